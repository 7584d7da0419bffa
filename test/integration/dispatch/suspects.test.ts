import { afterEach, describe, expect, test } from 'vitest'
import type { DestinationDefinition } from '../../../src/catalogue/catalogue.ts'
import type { DeliveryFacts } from '../../../src/deliveries/facts.ts'
import {
  createSuspectRoom,
  NoThreadError,
  type RoomLimits,
  type SuspectRoom,
} from '../../../src/deliveries/suspect-room.ts'
import { newUuid } from '../../../src/kit/ids.ts'
import { createSecretBox } from '../../../src/kit/secret-box.ts'
import { type DispatchRig, RIG_SECRETS_KEY, startDispatchRig } from '../../support/dispatch-rig.ts'
import { eventually } from '../../support/eventually.ts'
import { type Receiver, startReceiver } from '../../support/receiver.ts'

let rig: DispatchRig
let receiver: Receiver
let room: SuspectRoom | undefined

afterEach(async () => {
  await room?.close()
  await rig?.close()
  await receiver?.close()
})

async function travelSuspect(definition: Parameters<DispatchRig['network']>[1] = {}): Promise<string> {
  receiver = await startReceiver()
  rig = await startDispatchRig()
  const network = await rig.network(receiver.url, definition)
  const { deliveryId } = await rig.schedule(network)
  rig.work()
  const batchId = await rig.travel([deliveryId], { hint: false })
  await rig.list('update batches set suspect = true where id = $1', [batchId])
  await rig.ctx.queues.hint('deliver-again', batchId)
  return deliveryId
}

test('an innocent suspect is rendered and judged in the thread, with its secrets, and delivered', async () => {
  const deliveryId = await travelSuspect({
    secrets: { KEY: createSecretBox(RIG_SECRETS_KEY).seal('s3cret') },
    headers: { 'x-api-key': '{secret:KEY}' },
    success: { body_not_contains: 'error' },
  })
  await eventually(async () => expect((await rig.delivery(deliveryId)).state).toBe('delivered'))
  expect(receiver.received[0]?.headers['x-api-key']).toBe('s3cret')
  expect(receiver.received[0]?.query.get('clickid')).toMatch(/^[0-9a-f-]{36}$/)
})

describe('a row that is too much for the thread', () => {
  const openRoom = async (
    limits: Pick<RoomLimits, 'memoryMb' | 'taskMs'> & Partial<RoomLimits>,
  ): Promise<SuspectRoom> => {
    receiver = await startReceiver()
    rig = await startDispatchRig()
    room = createSuspectRoom(rig.ctx, { startMs: 20_000, idleMs: 1000, ...limits })
    return room
  }
  const judgeTask = (body: string) => ({
    outcome: {
      kind: 'answer' as const,
      answer: { status: 200, headers: {}, body, bodyTruncated: false },
      timings: { dns: null, tcp: null, tls: null, first_byte: null, total: 1 },
      remoteIp: null,
    },
    rules: { success: { json: { path: 'a', equals: 1 } }, refusals: null },
    nowMs: 0,
  })

  test('is refused by time, and the next row has a thread of its own', async () => {
    const opened = await openRoom({ memoryMb: 512, taskMs: 20 })
    const slow = '['.repeat(40_000_000)
    await expect(opened.judge(judgeTask(slow))).rejects.toThrow('no end after 20 ms')
    await expect(opened.judge(judgeTask(slow))).rejects.toThrow('no end after 20 ms')
  })

  test('is not condemned where no thread can be had', async () => {
    const opened = await openRoom({ memoryMb: 64, taskMs: 20_000, startMs: 1 })
    await expect(opened.judge(judgeTask('{}'))).rejects.toThrow(NoThreadError)
  })

  test('is refused by memory, and the process lives on', async () => {
    const opened = await openRoom({ memoryMb: 64, taskMs: 20_000 })
    const endless = {
      url: '{affiliate_click_id}'.repeat(500_000),
      url_by_status: {},
      headers: {},
      body: null,
    }
    const task = {
      facts: { offerId: newUuid(0), affiliateId: newUuid(0) } as DeliveryFacts,
      destination: {
        definition: { ...endless, secrets: {}, signing_secret: null } as unknown as DestinationDefinition,
      },
      offer: { name: '', shared: [] },
      original: null,
    }
    await expect(opened.render(task)).rejects.toThrow('memory limit')
  })
})

test('a suspect that can not be rendered fails, and says why', async () => {
  const deliveryId = await travelSuspect({ url: 'not a url {unknown_macro}' })
  await eventually(async () =>
    expect(await rig.delivery(deliveryId)).toMatchObject({ state: 'failed', reason: 'render_failed' }),
  )
  expect(receiver.received).toHaveLength(0)
})
