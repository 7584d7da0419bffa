// Reports conversions to a relay at a constant rate, whatever it answers (open loop). Told by its parent what to do, tells
// it what was answered.
import type { Socket } from 'node:net'
import { ask, openConnection } from '../test/support/kept-connection.ts'

type Task = {
  port: number
  path: string
  clickPrefix: string
  prefix: string
  destinations: number
  firstDestination?: number
  connections: number
  calls: number
  ratePerS: number
  unmeasured?: number
}
type Report = {
  accepted: number
  refused: number
  ms: number
  latenciesMs: number[]
  sentAtMs: [string, number][]
}

process.on('message', (task: Task) => {
  void run(task).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })

async function run(task: Task): Promise<Report> {
  const report: Report = { accepted: 0, refused: 0, ms: 0, latenciesMs: [], sentAtMs: [] }
  const sockets = await Promise.all(
    Array.from({ length: task.connections }, () => openConnection('127.0.0.1', task.port)),
  )
  const startedMs = performance.now()
  let next = 0
  const dueMs = (n: number): number => startedMs + (n * 1000) / task.ratePerS
  const loop = async (socket: Socket): Promise<void> => {
    while (next < task.calls) {
      const n = next++
      const waitMs = dueMs(n) - performance.now()
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs))
      // From when the call should have been sent, else waiting hides in the sender.
      const sentMs = dueMs(n)
      const isMeasured = n >= (task.unmeasured ?? 0)
      if (isMeasured) report.sentAtMs.push([`${task.prefix}${n}`, Date.now()])
      const { status } = await ask(socket, requestOf(task, n))
      if (isMeasured) report.latenciesMs.push(performance.now() - sentMs)
      if (status === 200) report.accepted++
      else report.refused++
    }
  }
  await Promise.all(sockets.map(loop))
  report.ms = performance.now() - startedMs
  for (const socket of sockets) socket.destroy()
  return report
}

const requestOf = (
  { path, clickPrefix, prefix, destinations, firstDestination = 0 }: Task,
  n: number,
): string =>
  `GET ${path}?click_id=${clickPrefix}${firstDestination + (n % destinations)}&transaction_id=${prefix}${n}&payout=1.25&status=approved HTTP/1.1\r\nhost: relay\r\n\r\n`
