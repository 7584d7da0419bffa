import { afterEach, expect, test } from 'vitest'
import { type DispatchRig, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver

afterEach(async () => {
  await rig?.close()
  await receiver?.close()
})

test('a delivery of a batch reaches its tracker, and the attempt is on record', async () => {
  receiver = await startReceiver({ replies: { status: 200, body: 'Success' } })
  rig = await startDispatchRig()
  const network = await rig.network(receiver.url)
  const { deliveryId, conversion } = await rig.schedule(network)
  rig.work()
  await rig.travel([deliveryId])
  const [call] = await receiver.waitFor(1)
  await eventually(async () => expect((await rig.delivery(deliveryId)).state).toBe('delivered'))
  expect(call?.query.get('status')).toBe('approved')
  expect(await rig.places()).toEqual({ due: [], batches: [] })
  expect(await rig.attempts(deliveryId)).toEqual([
    { verdict: 'delivered', http_status: 200, error: null, late: false },
  ])
  const [body] = await rig.list<{ request: { url: string }; response: { body: string } }>(
    'select request, response from attempt_bodies',
  )
  expect(body?.request.url).toContain(`clickid=`)
  expect(body?.response).toMatchObject({ status: 200, body: 'Success' })
  expect(conversion.id).toBeDefined()
})
