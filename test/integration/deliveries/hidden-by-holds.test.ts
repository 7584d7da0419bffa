import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
let net: Awaited<ReturnType<ReadsApp['rows']['network']>>
beforeAll(async () => {
  app = await startReadsApp()
  net = await app.rows.network()
  await app.ctx.catalogue.refresh()
})
afterAll(() => app.close())
const ids = (json: { data: { id: string }[] }) => json.data.map((one) => one.id)

test('reason=receiver_asked finds what failed for it', async () => {
  const conversion = await app.rows.conversion({ ...net })
  const revision = await app.rows.revision(conversion)
  const id = await app.rows.delivery({
    conversion,
    revision,
    destinationId: net.destinationId,
    state: 'failed',
    reason: 'receiver_asked',
    attemptsCount: 3,
  })
  expect(ids((await app.get('/v1/deliveries?reason=receiver_asked')).json)).toEqual([
    encodeId('delivery', id),
  ])
  expect(ids((await app.get('/v1/deliveries?state=failed&reason=receiver_asked')).json)).toEqual([
    encodeId('delivery', id),
  ])
})

test('state=scheduled finds a retry of a destination with 5,001 delayed deliveries', async () => {
  const conversion = await app.rows.conversion({ ...net })
  const revision = await app.rows.revision(conversion)
  const id = await app.rows.delivery({
    conversion,
    revision,
    destinationId: net.destinationId,
    attemptsCount: 1,
  })
  const db = app.ctx.db.reads
  await db.query({ text: 'update due set share = 1 where delivery_id = $1', values: [id] })
  await db.query({
    text: `insert into due (delivery_id, destination_id, share, due_at, reason)
      select gen_random_uuid(), $1, 0, now() + interval '1 h', 'delay' from generate_series(1, 5001)`,
    values: [net.destinationId],
  })
  expect(ids((await app.get('/v1/deliveries?state=scheduled')).json)).toEqual([encodeId('delivery', id)])
})
