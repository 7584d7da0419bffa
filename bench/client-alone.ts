// An HTTP client in a loop, nothing else: what a relay that calls with it can not exceed. Told by its parent what to call.
import { gotForms, loopOf, undiciDispatch } from './client-forms.ts'

type Task = {
  client: 'got' | 'undici'
  origin: string
  connections: number
  calls: number
  warmUpCalls: number
}

process.on('message', (task: Task) => {
  void run(task).then((figures) => process.send?.(figures))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })

async function run({ client, origin, connections, calls, warmUpCalls }: Task) {
  const form = client === 'undici' ? undiciDispatch(origin, connections) : gotForms()[0]
  await loopOf(form, origin, { calls: warmUpCalls, connections })
  return loopOf(form, origin, { calls, connections })
}
