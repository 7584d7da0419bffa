import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId, newUuid } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
beforeAll(async () => {
  app = await startReadsApp()
})
afterAll(() => app.close())

test('alerts are listed newest first, page by page, and by whether they are over', async () => {
  const destination_id = newUuid(Date.now())
  const openedAt = Date.parse('2026-03-01T00:00:00Z')
  const ids = [0, 1, 2].map((n) => newUuid(openedAt + n))
  for (const [n, id] of ids.entries())
    await app.rows.insert('alerts', {
      id,
      kind: 'breaker_open',
      destination_id,
      opened_at: new Date(openedAt + n),
      closed_at: n === 1 ? null : new Date(openedAt + 60_000),
    })
  const first = await app.get('/v1/alerts?limit=2')
  expect(first.json.data.map((alert: { id: string }) => alert.id)).toEqual(
    [ids[2], ids[1]].map((id) => encodeId('alert', id ?? '')),
  )
  const second = await app.get(`/v1/alerts?limit=2&cursor=${first.json.next_cursor}`)
  expect(second.json).toMatchObject({
    data: [
      {
        id: encodeId('alert', ids[0] ?? ''),
        kind: 'breaker_open',
        destination_id: encodeId('destination', destination_id),
        opened_at: '2026-03-01T00:00:00.000Z',
        closed_at: '2026-03-01T00:01:00.000Z',
      },
    ],
    next_cursor: null,
  })
  expect((await app.get('/v1/alerts?open=true')).json.data).toMatchObject([{ closed_at: null }])
  expect((await app.get('/v1/alerts?open=maybe')).status).toBe(400)
})
