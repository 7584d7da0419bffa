// node_modules/.bin/node bench/isolation.ts [got|undici] [redis|postgres] [seeded folder]: what the healthy destinations
// feel of those that are dead, and how a dead one is taken up again. With a folder of bench/seed.ts: of a million held rows.
import { execFileSync } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { load, type Percentiles, percentiles, startReceiver, timesToTracker } from './measure.ts'
import { end, startBenchRedis } from './processes.ts'
import { type Subject, startRelaySubject } from './relay-under-test.ts'
import { CONNECTIONS, closedLoop, ensureWrk } from './wrk.ts'

const [client = 'undici', backend = 'redis', seededFolder] = process.argv.slice(2)
if ((client !== 'got' && client !== 'undici') || (backend !== 'redis' && backend !== 'postgres'))
  throw new Error(
    'usage: node_modules/.bin/node bench/isolation.ts [got|undici] [redis|postgres] [seeded folder]',
  )

const DESTINATIONS = 100
const CALLS = 10_000
const SECONDS = 20
const DEEP = 1
const DEEP_ROWS = 20_000
const RECOVERY_SECONDS = 60
const BREAKER_SECONDS_MAX = 180

await ensureWrk()
const redis = backend === 'redis' ? await startBenchRedis() : null
const receiver = await startReceiver()
const variant = { name: `relay + ${client}, ${backend}`, client, backend } as const
const dead = Array.from({ length: DESTINATIONS / 2 }, (_, n) => `/d${2 * n + 1}`)
/** Every other destination: numbers of calls follow those of destinations. */
const isHealthy = (transactionId: string): boolean => Number(transactionId.split('-')[1]) % 2 === 0
let loads = 0
const say = (text: string): void => console.log(text)

try {
  if (seededFolder === undefined) await withSubject(undefined, halfDeadAndBack)
  else await besideHeldRows(seededFolder)
} finally {
  receiver.stop()
  if (redis !== null) await end(redis.child)
}

async function halfDeadAndBack(subject: Subject): Promise<void> {
  await healthyPerS(subject)
  const ratePerS = Math.floor(await healthyPerS(subject))
  const rows: Record<string, object> = {}
  const measure = async (name: string): Promise<void> => {
    const tracker = await healthyLatency(subject, ratePerS)
    const perS = await medianPerS(subject)
    rows[name] = { 'healthy delivered/s': Math.round(perS), ...shown(tracker) }
    say(`${name}: ${JSON.stringify(rows[name])}`)
  }
  say(`rate of the latencies: ${ratePerS} reports a second over all destinations`)
  await measure('all answer')
  await receiver.hang(dead)
  await measure('half stop to answer, from the first second')
  await untilBreakersOpen(subject, dead.length)
  await measure('half never answer, breakers open')
  await receiver.hang([])
  rows['half come back, all at once'] = shown(await healthyLatency(subject, ratePerS))
  await untilBreakersOpen(subject, 0)
  await untilQuiet()
  await measure('all answer again')
  await deepOneComesBack(subject, ratePerS, rows)
  console.table(rows)
}

/** One destination is dead until 20,000 deliveries of it wait, then answers again while the others get their load. */
async function deepOneComesBack(
  subject: Subject,
  ratePerS: number,
  rows: Record<string, object>,
): Promise<void> {
  await receiver.hang([`/d${DEEP}`])
  await closedLoop(subject, {
    destinations: 1,
    firstDestination: DEEP,
    connections: CONNECTIONS,
    calls: DEEP_ROWS,
    prefix: 'D-',
  })
  await untilBreakersOpen(subject, 1)
  say(`${DEEP_ROWS} deliveries wait for one destination, its breaker is open; it answers again`)
  await receiver.record(true)
  await receiver.hang([])
  const backMs = Date.now()
  const others = { destinations: DESTINATIONS - 2, firstDestination: 2, connections: CONNECTIONS, ratePerS }
  const sent = await load(subject, { ...others, calls: ratePerS * RECOVERY_SECONDS, prefix: 'O-' })
  await untilQuiet()
  const arrivals = await receiver.record(false)
  rows['the others while a deep one comes back'] = shown(percentiles(timesToTracker(sent.sentAtMs, arrivals)))
  const deepAt = arrivals.filter(([id]) => id.startsWith('D-')).map(([, atMs]) => atMs)
  const first = Math.min(...deepAt)
  const perSecond: number[] = []
  for (const atMs of deepAt) {
    const second = Math.floor((atMs - first) / 1000)
    perSecond[second] = (perSecond[second] ?? 0) + 1
  }
  say(
    `first call ${((first - backMs) / 1000).toFixed(1)} s after it was back; ${deepAt.length} arrived, by second:`,
  )
  say(Array.from(perSecond, (n) => n ?? 0).join(' '))
}

/** Breakers open by what calls come to, so some calls have to be made for the dead. */
async function untilBreakersOpen(subject: Subject, wanted: number): Promise<void> {
  for (let seconds = 0; seconds < BREAKER_SECONDS_MAX; seconds++) {
    if ((await subject.breakersOpen()) === wanted) return
    await wait(1000)
  }
  say(`${await subject.breakersOpen()} breakers are open after ${BREAKER_SECONDS_MAX} s, not ${wanted}`)
}

/** Latencies and throughput in a fresh database, beside those with a million held rows of one dead destination. */
async function besideHeldRows(folder: string): Promise<void> {
  const rows: Record<string, object> = {}
  const measure = async (name: string, subject: Subject, ratePerS: number): Promise<void> => {
    const before = redisMib()
    const tracker = await healthyLatency(subject, ratePerS)
    const perS = await medianPerS(subject)
    rows[name] = {
      'healthy delivered/s': Math.round(perS),
      ...shown(tracker),
      'Redis grew by MiB': (redisMib() - before).toFixed(1),
    }
    say(`${name}: ${JSON.stringify(rows[name])}`)
  }
  let ratePerS = 0
  for (const round of [1, 2]) {
    await withSubject(undefined, async (subject) => {
      await healthyPerS(subject)
      ratePerS ||= Math.floor(await healthyPerS(subject))
      await measure(`fresh, round ${round}`, subject, ratePerS)
    })
    await withSubject(folder, async (subject) => {
      await healthyPerS(subject)
      await healthyPerS(subject)
      await measure(`a million held, round ${round}`, subject, ratePerS)
    })
  }
  console.table(rows)
}

async function withSubject(
  dataDir: string | undefined,
  run: (subject: Subject) => Promise<void>,
): Promise<void> {
  const subject = await startRelaySubject(variant, {
    redis,
    receiverPort: receiver.port,
    destinations: DESTINATIONS,
    ...(dataDir !== undefined && { dataDir }),
  })
  try {
    await run(subject)
  } finally {
    await subject.stop()
  }
}

/** Of three loads: a checkpoint or a vacuum of Postgres falls into one of them. */
async function medianPerS(subject: Subject): Promise<number> {
  const all = [await healthyPerS(subject), await healthyPerS(subject), await healthyPerS(subject)]
  return all.sort((a, b) => a - b)[1] ?? 0
}

/** Closed loop over all destinations: what the healthy half gets per second while loaded. */
async function healthyPerS(subject: Subject): Promise<number> {
  await receiver.record(true)
  const report = await closedLoop(subject, { ...nextLoad(), calls: CALLS })
  const arrivals = await receiver.record(false)
  const healthy = arrivals.filter(([id]) => isHealthy(id)).length
  await untilQuiet()
  return healthy / (report.ms / 1000)
}

/** Open loop: ms from when a report was sent until its tracker heard of it, of the healthy half. */
async function healthyLatency(subject: Subject, ratePerS: number): Promise<Percentiles> {
  await receiver.record(true)
  const { sentAtMs } = await load(subject, { ...nextLoad(), calls: ratePerS * SECONDS, ratePerS })
  await wait(2000)
  const healthy = sentAtMs.filter(([id]) => isHealthy(id))
  const times = timesToTracker(healthy, await receiver.record(false))
  const late = healthy.length - times.length
  if (late > 0) say(`${late} of ${healthy.length} had not arrived 2 s after the load`)
  return percentiles(times)
}

/** Transaction ids are the number of the load and that of the call. */
function nextLoad() {
  return { prefix: `${++loads}-`, destinations: DESTINATIONS, connections: CONNECTIONS }
}

/** Until the receiver has heard nothing for a second. */
async function untilQuiet(): Promise<void> {
  for (let before = -1, now = 0; now !== before; ) {
    before = now
    await wait(1000)
    now = await receiver.calls()
  }
}

function redisMib(): number {
  if (redis === null) return 0
  const info = execFileSync('redis-cli', ['-u', redis.url, 'info', 'memory'], { encoding: 'utf8' })
  return Number(/used_memory:(\d+)/.exec(info)?.[1] ?? 0) / 2 ** 20
}

function shown({ p50, p99, max }: Percentiles) {
  return { 'p50 ms': Math.round(p50), 'p99 ms': Math.round(p99), 'max ms': Math.round(max) }
}
