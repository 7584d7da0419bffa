// CPU of one process per outgoing call, for each HTTP client and call form, against a receiver in a process of its own.
// Run: node bench/outbound-clients.ts [calls]. Use the ratios: absolute figures are this machine's.
import { type Form, gotForms, loopOf, nodeHttp, relayOutbound, undiciDispatch } from './client-forms.ts'
import { startReceiver } from './measure.ts'

const CONCURRENCY = 32

const calls = Number(process.argv[2] ?? 10_000)
const receiver = await startReceiver()
const origin = `http://127.0.0.1:${receiver.port}`
const forms = [
  nodeHttp(),
  undiciDispatch(origin, CONCURRENCY),
  ...gotForms(),
  relayOutbound('got'),
  relayOutbound('undici'),
]
const loop = (form: Form, count: number) => loopOf(form, origin, { calls: count, connections: CONCURRENCY })
for (const form of forms) await loop(form, Math.min(calls, 2000))
let baseUs = 0
for (const form of forms) {
  const rounds = [await loop(form, calls), await loop(form, calls)]
  const best = rounds.reduce((a, b) => (a.cpuUs < b.cpuUs ? a : b))
  baseUs ||= best.cpuUs
  const figures = `${best.cpuUs.toFixed(0).padStart(5)} us CPU a call, ${(best.cpuUs / baseUs).toFixed(2)} x node:http`
  console.log(`${form.name.padEnd(38)}${figures}, ${best.perSecond.toFixed(0)} a second`)
}
receiver.stop()
process.exit()
