import { writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { drawBackPressure } from './back-pressure-plot.ts'
import { startChild } from './child.ts'
import type { FloodQuestion, FloodSecond } from './flood-contract.ts'
import { withProgress } from './progress.ts'
import { readRequests } from './read-books.ts'
import type { Site } from './site.ts'
import { withSite } from './with-site.ts'

const CONNECTIONS = 6000
/** On a fast disk the flood itself would take the processors before the store was full. */
const SLOW_STORE = `create function wait_for_a_slow_disk() returns trigger language plpgsql
    as $$ begin perform pg_sleep(1); return null; end $$;
  create trigger slow_disk after insert on inbound_raw for each statement execute function wait_for_a_slow_disk()`
/** One conversion in so many has a tracker: the drain after ten minutes would else take another twenty. */
const ONE_TOLD_IN = 4
const AFFILIATES_TOLD = 20
const WARM_UP_MS = 20_000
const WARM_UP_PER_S = 5000
const FACTOR = 3
const DRAIN_MS_MAX = 900_000

export type BackPressureResult = {
  capacityPerS: number
  offeredPerS: number
  minutes: number
  accepted: number
  refused: number
  lost: number
  withoutRetryAfter: number
  /** Of accepted and of refused calls, ms: median and 99th percentile. */
  acceptedMs: [number, number]
  refusedMs: [number, number]
  /** By process: MB after the warm-up, most, and at the end. */
  rssMb: Record<string, [number, number, number]>
  /** From the end of the flood until everything accepted was delivered, s. */
  drainS: number
  broken: string[]
}

type Options = {
  minutes: number
  client: 'got' | 'undici'
  plotFile: string | null
  end: AbortSignal
  say(line: string): void
}

/** Measures what can be stored, offers three times as much, and looks at what becomes of callers, memory and the accepted. */
export async function runBackPressure(options: Options): Promise<BackPressureResult> {
  return withSite({ ...options, backend: 'redis', ownDisk: false }, async (site) => ({
    result: await runOn(site, options),
    keepDir: false,
  }))
}

async function runOn(site: Site, { minutes, plotFile, say }: Options): Promise<BackPressureResult> {
  const urls = await makeUrls(site)
  await site.postgres.query(SLOW_STORE)
  const flooder = startChild('./flood.ts', {})
  const flood = (question: Pick<FloodQuestion, 'from' | 'perSecond' | 'forMs'>) =>
    flooder.ask<FloodSecond[]>({ ask: 'flood', urls, connections: CONNECTIONS, ...question })
  const warm = await flood({ from: 0, perSecond: WARM_UP_PER_S, forMs: WARM_UP_MS })
  const capacityPerS = Math.round(median(warm.slice(8, -1).map((second) => second.accepted.length)))
  const offeredPerS = FACTOR * capacityPerS
  say(`stores ${capacityPerS}/s; offering ${offeredPerS}/s for ${minutes} min`)
  const samples = sampleMemory(site)
  const seconds = await withProgress(
    say,
    () => `MB now: ${samples.now()}`,
    () => flood({ from: 1_000_000, perSecond: offeredPerS, forMs: minutes * 60_000 }),
  )
  const rss = samples.stop()
  if (plotFile !== null) await writeFile(plotFile, drawBackPressure(seconds, rss))
  const sum = (of: (second: FloodSecond) => number): number => seconds.reduce((all, one) => all + of(one), 0)
  const flooded = {
    capacityPerS,
    offeredPerS,
    minutes,
    accepted: sum((one) => one.accepted.length),
    refused: sum((one) => one.refused),
    lost: sum((one) => one.lost),
    withoutRetryAfter: sum((one) => one.withoutRetryAfter),
    acceptedMs: percentiles(seconds.flatMap((one) => one.acceptedMs)),
    refusedMs: percentiles(seconds.flatMap((one) => one.refusedMs)),
    rssMb: Object.fromEntries(
      [...rss].map(([name, mb]): [string, [number, number, number]] => [
        name,
        [mb[0] ?? 0, Math.max(...mb), mb.at(-1) ?? 0],
      ]),
    ),
  }
  say(`${JSON.stringify(flooded)}\nwaiting until everything accepted is delivered`)
  const endedMs = performance.now()
  let left = 0
  await withProgress(
    say,
    () => `${left} are not delivered`,
    () =>
      drain(site, (n) => {
        left = n
      }),
  )
  const drainS = Math.round((performance.now() - endedMs) / 1000)
  await site.finishReceivers()
  await flooder.stop()
  const accepted = [...warm, ...seconds].flatMap((second) => second.accepted)
  return { ...flooded, drainS, broken: await findBroken(site, accepted) }
}

/** Where the calls go in turn: both APIs, and affiliates of whom every fourth has a tracker. */
async function makeUrls({ client, apis, trackerUrls }: Site): Promise<string[]> {
  const { id: advertiserId, token } = await client.post('/v1/advertisers', { name: 'Shop' })
  const offer = await client.post('/v1/offers', {
    advertiser_id: advertiserId,
    name: 'Sale',
    payout: { type: 'passthrough', currency: 'USD' },
  })
  const silent = await client.post('/v1/affiliates', { name: 'Without a tracker' })
  const urls: string[] = []
  for (let slot = 0; slot < ONE_TOLD_IN * AFFILIATES_TOLD; slot++) {
    const affiliate = isTold(slot)
      ? await client.post('/v1/affiliates', { name: `Affiliate ${slot}` })
      : silent
    if (isTold(slot))
      await client.post('/v1/destinations', {
        affiliate_id: affiliate.id,
        url: `${trackerUrls[slot % trackerUrls.length]}/postback?txid={transaction_id}&did={delivery_id}&rev={revision}&status={status}&payout={payout}&click={affiliate_click_id}`,
      })
    // Both APIs get told and untold ones.
    const api = apis[Math.floor(slot / ONE_TOLD_IN) % apis.length]
    urls.push(
      `${api?.url}/postback/${token}?${new URLSearchParams({
        transaction_id: 'TXID',
        status: 'approved',
        payout: '1.00',
        affiliate_id: affiliate.id,
        offer_id: offer.id,
        affiliate_click_id: 'k-TXID',
      })}`,
    )
  }
  await eventually(async () => {
    const { workers } = await client.get('/readyz')
    if (workers.alive < 2) throw new Error('the workers are not there yet')
  })
  return urls
}

const isTold = (n: number): boolean => n % ONE_TOLD_IN === 0

/** MB of each process, each second. */
function sampleMemory(site: Site): { now(): string; stop(): Map<string, number[]> } {
  const nodes = [...site.apis, ...site.workers]
  const rss = new Map(nodes.map((node) => [node.name, [] as number[]]))
  const timer = setInterval(() => {
    for (const node of nodes) rss.get(node.name)?.push(Math.round(node.rssMb()))
  }, 1000)
  return {
    now: () => [...rss].map(([name, mb]) => `${name} ${mb.at(-1) ?? 0}`).join(', '),
    stop() {
      clearInterval(timer)
      return rss
    },
  }
}

const drain = (site: Site, onLeft: (left: number) => void): Promise<void> =>
  eventually(
    async () => {
      const [left] = await site.postgres.query<{ n: number }>(
        'select (select count(*) from due)::int + (select count(*) from batches)::int as n',
      )
      onLeft(left?.n ?? 0)
      if (left?.n !== 0) throw new Error(`${left?.n} are not delivered`)
    },
    { timeoutMs: DRAIN_MS_MAX, everyMs: 1000 },
  )

/** Everything accepted is stored, and its tracker, where it has one, was told once. */
async function findBroken(site: Site, accepted: readonly number[]): Promise<string[]> {
  await wait(100)
  const requests = await readRequests(site.requestsFile)
  const wrong = accepted.filter((n) => (requests.get(n)?.length ?? 0) !== (isTold(n) ? 1 : 0))
  const [stored] = await site.postgres.query<{ n: number }>('select count(*)::int as n from conversions')
  const missing = accepted.length - (stored?.n ?? 0)
  const ledger = await site.client.get('/v1/ledger')
  return [
    ...(wrong.length > 0
      ? [`${wrong.length} accepted conversions were not told as often as they should`]
      : []),
    ...(missing > 0 ? [`${missing} accepted conversions are not stored`] : []),
    ...(ledger.unaccounted !== 0 ? [`${ledger.unaccounted} unaccounted`] : []),
  ]
}

const percentiles = (values: number[]): [number, number] => {
  const sorted = values.sort((a, b) => a - b)
  return [sorted[Math.floor(sorted.length * 0.5)] ?? 0, sorted[Math.floor(sorted.length * 0.99)] ?? 0]
}
const median = (values: number[]): number => percentiles(values)[0]
