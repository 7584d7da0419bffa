import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Client, createClient, type Json } from './client.ts'
import { type DemoAffiliate, startDemoTrackers } from './demo-trackers.ts'
import { toGuide } from './guide.ts'
import { runRelay } from './run-relay.ts'
import { makeSampleNetwork } from './sample-network.ts'
import { click, newSale, report, runTraffic } from './traffic.ts'

type Options = {
  /** Environment of the relay. */
  settings: Record<string, string>
  dataDir: string
  signal: AbortSignal
  showsProgress: boolean
  say(text: string): void
  /** The relay ended by itself. */
  onRelayEnd(reason: string): void
  /** Told as soon as there is something to stop. */
  onStop(close: () => Promise<void>): void
}

/** Short, so that retries, the breaker and time-outs can be watched. */
const DEMO_SETTINGS = {
  OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
  RETRY_SCHEDULE: '2s,5s,15s,1m,5m,15m,1h,6h',
  DELIVERY_TIMEOUT_MS: '2000',
}

/** Trackers, a relay, a network and its traffic. Resolves with what there is to see, when there is something to see. */
export async function startDemo(options: Options): Promise<{ guide: string }> {
  const { dataDir, signal, say } = options
  const closers: (() => Promise<void>)[] = []
  options.onStop(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  await mkdir(dataDir, { recursive: true })
  const key = await readOrMakeKey(join(dataDir, 'demo-admin-key'))
  const logFile = join(dataDir, 'relay.log')
  const trackers = await startDemoTrackers()
  closers.push(trackers.close)
  say('Starting the relay on a database of its own (the first time takes some seconds longer) ...\n')
  const relay = runRelay({
    settings: { ...options.settings, ...DEMO_SETTINGS, DATA_DIR: dataDir, ADMIN_KEY: key },
    logFile,
    onEnd: options.onRelayEnd,
  })
  closers.push(relay.stop)
  const client = createClient(await relay.listening, key)
  const { affiliates } = trackers
  const network = await makeSampleNetwork(client, affiliates)
  const needs = { client, network, signal }
  const first = await showFirstSales(needs, affiliates)
  const traffic = runTraffic(needs, affiliates)
  closers.push(() => traffic)
  if (options.showsProgress) closers.push(showProgress(client, say))
  return { guide: toGuide({ ...first, client, key, token: network.token, affiliates, logFile }) }
}

/** Kept, so that a terminal that was set up for an earlier run goes on working. */
async function readOrMakeKey(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known.trim() !== '') return known.trim()
  const key = `demo-${randomBytes(20).toString('hex')}`
  await writeFile(file, `${key}\n`, { mode: 0o600 })
  return key
}

type Needs = Parameters<typeof report>[0]

/** What the guide shows: a delivered, a refused and a rejected sale, a call that was not taken, a click without a sale. */
async function showFirstSales(needs: Needs, affiliates: readonly DemoAffiliate[]) {
  const sell = async (id: string): Promise<string> => {
    const sale = newSale(await clickOf(id))
    await report(needs, sale, 'approved')
    return sale.orderId
  }
  const clickOf = (id: string): Promise<string> => {
    const affiliate = affiliates.find((one) => one.id === id)
    if (affiliate === undefined) throw new Error(`there is no affiliate ${id}`)
    return click(needs, affiliate)
  }
  const annasOrder = await sell('demo-anna')
  const emilsOrder = await sell('demo-emil')
  for (const id of ['demo-boris', 'demo-chen', 'demo-dana']) await sell(id)
  await report(needs, newSale('{clickid}'), 'approved')
  const returned = newSale(await clickOf('demo-anna'))
  await report(needs, returned, 'approved')
  await untilEnded(needs, returned.orderId)
  await report(needs, returned, 'rejected')
  await untilEnded(needs, annasOrder)
  return {
    annasOrder,
    rejectedOrder: returned.orderId,
    freeClick: await clickOf('demo-anna'),
    refusedDelivery: (await untilEnded(needs, emilsOrder))?.id ?? '',
  }
}

const PATIENCE_MS = 20_000

/** The order's first delivery as soon as it is no longer under way; null where that takes too long. */
async function untilEnded({ client, signal }: Needs, orderId: string): Promise<Json | null> {
  const endsAt = Date.now() + PATIENCE_MS
  while (Date.now() < endsAt) {
    const { data } = await client.ask('GET', `/v1/deliveries?transaction_id=${orderId}`)
    if (data.length > 0 && data[0].state !== 'scheduled' && data[0].state !== 'held') return data[0]
    await wait(100, undefined, { signal })
  }
  return null
}

const PROGRESS_EVERY_MS = 2000

/** One line that is written over and over. */
function showProgress(client: Client, say: (text: string) => void): () => Promise<void> {
  const timer = setInterval(async () => {
    const ledger = await client.ask('GET', '/v1/ledger').catch(() => null)
    if (ledger === null) return
    const { delivered, scheduled, held, refused, skipped } = ledger.deliveries
    const waiting = `${scheduled + held} waiting`
    say(
      `\r\u001b[2K${delivered} delivered, ${waiting}, ${refused} refused, ${skipped} skipped, ${ledger.unaccounted} unaccounted`,
    )
  }, PROGRESS_EVERY_MS)
  return async () => clearInterval(timer)
}
