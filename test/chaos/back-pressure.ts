import { writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { drawBackPressure } from './back-pressure-plot.ts'
import { startChild } from './child.ts'
import type { FloodQuestion, FloodSecond } from './flood-contract.ts'
import { makeNetwork, type Network } from './network.ts'
import { withProgress } from './progress.ts'
import { readRequests } from './read-books.ts'
import type { Site } from './site.ts'
import { withSite } from './with-site.ts'

const CONNECTIONS = 400
const WARM_UP_MS = 20_000
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
  const network = await makeNetwork(site)
  const flooder = startChild('./flood.ts', {})
  const flood = (question: Omit<FloodQuestion, 'ask' | 'urls' | 'connections'>, connections: number) =>
    flooder.ask<FloodSecond[]>({ ask: 'flood', urls: toUrls(site, network), connections, ...question })
  // More than can be stored, by few connections: closed loop.
  const warm = await flood({ from: 0, perSecond: 5000, forMs: WARM_UP_MS }, 64)
  const capacityPerS = Math.round(median(warm.slice(5, -1).map((second) => second.accepted.length)))
  const offeredPerS = FACTOR * capacityPerS
  say(`stores ${capacityPerS}/s; offering ${offeredPerS}/s for ${minutes} min`)
  const samples = sampleMemory(site)
  const seconds = await withProgress(
    say,
    () => `MB now: ${samples.now()}`,
    () => flood({ from: 1_000_000, perSecond: offeredPerS, forMs: minutes * 60_000 }, CONNECTIONS),
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

const toUrls = (site: Site, network: Network): string[] =>
  site.apis.map(
    ({ url }) =>
      `${url}/postback/${network.token}?${new URLSearchParams({
        transaction_id: 'TXID',
        status: 'approved',
        payout: '1.00',
        affiliate_id: network.affiliateIds[0],
        offer_id: network.offerId,
        affiliate_click_id: 'k-TXID',
      })}`,
  )

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

/** Accepted and told are the same, each tracker of the affiliate once. */
async function findBroken(site: Site, accepted: readonly number[]): Promise<string[]> {
  await wait(100)
  const requests = await readRequests(site.requestsFile)
  const missing = accepted.filter((n) => new Set(requests.get(n)?.map((one) => one.tracker)).size < 2)
  const [ledger] = [await site.client.get('/v1/ledger')]
  return [
    ...(missing.length > 0 ? [`${missing.length} accepted conversions did not reach both trackers`] : []),
    ...(ledger.unaccounted !== 0 ? [`${ledger.unaccounted} unaccounted`] : []),
  ]
}

const percentiles = (values: number[]): [number, number] => {
  const sorted = values.sort((a, b) => a - b)
  return [sorted[Math.floor(sorted.length * 0.5)] ?? 0, sorted[Math.floor(sorted.length * 0.99)] ?? 0]
}
const median = (values: number[]): number => percentiles(values)[0]
