// npm run bench -- [--quick] [--memory] [--only <part of a name>] [--calls N] [--callers N]: what this machine does, load generator and receiver included.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import {
  type Latency,
  measureLatency,
  measureThroughput,
  type Receiver,
  startReceiver,
  type Throughput,
  WARM_UP_CALLS,
} from './measure.ts'
import { drawPlot } from './plot.ts'
import { end, forkReady, startBenchRedis } from './processes.ts'
import { type Subject, startPlainSubject, startRelaySubject, type Variant } from './relay-under-test.ts'
import { CONNECTIONS, ensureWrk } from './wrk.ts'

/** Calls per second of a client alone, and microseconds of its processor time per call. */
type Limit = { client: 'got' | 'undici'; perSecond: number; cpuUs: number }

type Result = { variant: Variant; throughput: Throughput; latency: Latency | null }

const quick = process.argv.includes('--quick')
const memory = process.argv.includes('--memory')
const option = (name: string): string | undefined =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined
const wholeOption = (name: string, fallback: number): number => {
  const value = Number(option(name) ?? fallback)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is a whole number from 1 on`)
  return value
}
const only = option('--only') ?? ''
const LOAD = { destinations: 100, connections: wholeOption('--callers', CONNECTIONS) }
const CALLS = wholeOption('--calls', memory ? 200_000 : quick ? 6000 : 40_000)
const warmUpCalls = quick ? 1000 : WARM_UP_CALLS
const LATENCY_SECONDS = 10

const ALL: Variant[] = [
  { name: 'plain relay, Redis', client: 'plain', backend: 'redis' },
  { name: 'relay + got, Redis', client: 'got', backend: 'redis' },
  { name: 'relay + got, Postgres', client: 'got', backend: 'postgres' },
  { name: 'relay + undici, Redis', client: 'undici', backend: 'redis' },
  { name: 'relay + undici, Postgres', client: 'undici', backend: 'postgres' },
]

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

await ensureWrk()
const redis = await startBenchRedis()
if (redis === null) console.log('Only the Postgres backend is measured.')
const variants = ALL.filter(
  (variant) =>
    variant.name.includes(only) &&
    (redis !== null || variant.backend === 'postgres') &&
    (!memory || variant.client === 'got'),
)
const receiver = await startReceiver()
const results: Result[] = []
const limits: Limit[] = []
try {
  for (const [index, variant] of variants.entries()) {
    const report = (text: string): void =>
      progress(`[${index + 1}/${variants.length}] ${variant.name}: ${text}`)
    results.push(await runVariant(variant, receiver, report))
  }
  for (const client of ['got', 'undici'] as const)
    if (!memory && variants.some((variant) => variant.client === client))
      limits.push(await runClientAlone(client, receiver.port))
} finally {
  progress('')
  receiver.stop()
  if (redis !== null) await end(redis.child)
}
print(results, limits)
mkdirSync(import.meta.dirname, { recursive: true })
const machine = {
  cpus: cpus().length,
  model: cpus()[0]?.model,
  node: process.version,
  at: new Date().toISOString(),
  quick,
  calls: CALLS,
  callers: LOAD.connections,
}
writeFileSync(
  new URL('results.json', import.meta.url),
  `${JSON.stringify({ machine, results, limits }, null, 2)}\n`,
)
writeFileSync(
  new URL('results.svg', import.meta.url),
  drawPlot(results.map(({ variant, throughput }) => ({ name: variant.name, ...throughput }))),
)
console.log('\nWritten: bench/results.json, bench/results.svg')

async function runVariant(
  variant: Variant,
  tracker: Receiver,
  report: (text: string) => void,
): Promise<Result> {
  report('starting')
  const subject = await startSubject(variant, tracker.port)
  try {
    report('warming up')
    await measureThroughput(subject, tracker, {
      ...LOAD,
      calls: warmUpCalls,
      prefix: 'w',
      progress: report,
    })
    report(`${CALLS} conversions`)
    const throughput = await measureThroughput(subject, tracker, {
      ...LOAD,
      calls: CALLS,
      prefix: 't',
      progress: report,
    })
    if (quick || memory) return { variant, throughput, latency: null }
    const ratePerS = Math.floor(throughput.deliveredWithDrainPerS / 2)
    report(`latency at ${ratePerS}/s`)
    const latency = await measureLatency(subject, tracker, {
      ...LOAD,
      ratePerS,
      seconds: LATENCY_SECONDS,
      prefix: 'l',
    })
    return { variant, throughput, latency }
  } finally {
    report('stopping')
    await subject.stop()
  }
}

/** What no relay that calls with this client can exceed on this machine. */
async function runClientAlone(client: Limit['client'], port: number): Promise<Limit> {
  progress(`${client} alone: ${CALLS} calls`)
  const { child } = await forkReady('./client-alone.ts')
  const done = once(child, 'message')
  const { connections } = LOAD
  child.send({
    ...{ client, connections, origin: `http://127.0.0.1:${port}` },
    ...{ calls: CALLS, warmUpCalls },
  })
  const [figures] = (await done) as [Omit<Limit, 'client'>]
  child.disconnect()
  return { client, ...figures }
}

async function startSubject(variant: Variant, receiverPort: number): Promise<Subject> {
  if (variant.client === 'plain') {
    if (redis === null) throw new Error('the plain relay needs Redis')
    return startPlainSubject(variant, redis, receiverPort)
  }
  return startRelaySubject(variant, {
    redis,
    receiverPort,
    destinations: LOAD.destinations,
  })
}

function print(all: readonly Result[], alone: readonly Limit[]): void {
  const plain = all.find(({ variant }) => variant.client === 'plain')?.throughput.deliveredWhileLoadedPerS
  const timesPlain = (perSecond: number): string =>
    plain === undefined ? '' : (perSecond / plain).toFixed(2)
  console.table(
    Object.fromEntries([
      ...all.map(({ variant, throughput: t, latency }) => [
        variant.name,
        {
          'accepted/s': Math.round(t.acceptedPerS),
          'delivered/s loaded': Math.round(t.deliveredWhileLoadedPerS),
          'x plain': timesPlain(t.deliveredWhileLoadedPerS),
          'delivered/s with drain': Math.round(t.deliveredWithDrainPerS),
          'us CPU/delivery': Math.round(Object.values(t.cpuUs).reduce((a, b) => a + b, 0)),
          'by process': Object.entries(t.cpuUs)
            .map(([kind, us]) => `${kind} ${Math.round(us)}`)
            .join(' '),
          'MiB api/worker': `${Math.round(t.rssMiB.api ?? 0)}/${Math.round(t.rssMiB.worker ?? 0)}`,
          'accept p50/p99 ms': latency
            ? `${latency.accept.p50.toFixed(1)}/${latency.accept.p99.toFixed(1)}`
            : '',
          'tracker p50/p99 ms': latency ? `${latency.toTracker.p50}/${latency.toTracker.p99}` : '',
          lost: t.lost,
        },
      ]),
      ...alone.map(({ client, perSecond, cpuUs }) => [
        `${client} alone, no relay`,
        {
          'delivered/s loaded': Math.round(perSecond),
          'x plain': timesPlain(perSecond),
          'us CPU/delivery': Math.round(cpuUs),
        },
      ]),
    ]),
  )
}
