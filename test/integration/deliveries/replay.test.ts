import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeId, encodeId, type Uuid } from '../../../src/kit/ids.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'
import type { DeliveryRow } from '../../support/rows.ts'

let app: ReadsApp
let net: Awaited<ReturnType<ReadsApp['rows']['network']>>

beforeAll(async () => {
  app = await startReadsApp()
  net = await app.rows.network()
  await app.ctx.catalogue.refresh()
})
afterAll(() => app.close())

type Made = { id: Uuid; conversionId: Uuid; replay(body?: object): ReturnType<ReadsApp['post']> }

/** One conversion with a delivery per revision, given oldest first. */
async function chain(...revisions: (Partial<DeliveryRow> & { status?: string })[]): Promise<Made[]> {
  const conversion = await app.rows.conversion({ ...net, clickId: 'c', affiliateClickId: 'a' })
  const made: Made[] = []
  for (const [index, { status, ...row }] of revisions.entries()) {
    const revision = await app.rows.revision(conversion, { revision: index + 1, ...(status && { status }) })
    const id = await app.rows.delivery({ conversion, revision, destinationId: net.destinationId, ...row })
    made.push({
      id,
      conversionId: conversion.id,
      replay: (body) => app.post(`/v1/deliveries/${encodeId('delivery', id)}/replay`, body),
    })
  }
  return made
}

async function chainOf<N extends number>(
  count: N,
  ...revisions: (Partial<DeliveryRow> & { status?: string })[]
): Promise<Made[] & { [Index in 0 | 1]: Made }> {
  const made = await chain(...revisions)
  if (made.length !== count) throw new Error('one revision per delivery')
  return made as Made[] & { [Index in 0 | 1]: Made }
}

async function stored(id: Uuid) {
  const { rows } = await app.ctx.db.reads.query<Record<string, unknown>>({
    text: `select d.state, d.reason, d.retries_used, d.replay_id, d.next_id, d.held_since, d.delivered_at, d.attempts_count,
        u.share, u.due_at <= now() as is_due, u.after_batch, u.reason as due_reason
      from deliveries d left join due u on u.delivery_id = d.id where d.id = $1`,
    values: [id],
  })
  return rows[0] ?? {}
}

const DELIVERED = {
  state: 'delivered',
  attemptsCount: 1,
  deliveredAt: new Date('2026-01-01T00:00:00Z'),
  lastHttpStatus: 200,
}

test.each([
  ['delivered', DELIVERED],
  ['refused', { state: 'refused', attemptsCount: 1 }],
  ['failed', { state: 'failed', attemptsCount: 12 }],
  ['cancelled', { state: 'cancelled', reason: 'destination_archived' }],
])('a %s delivery is re-opened as the same delivery, at the start of its retries', async (_state, row) => {
  const [made] = await chainOf(1, row)
  await app.ctx.db.reads.query({
    text: 'update deliveries set retries_used = 11, held_since = now() where id = $1',
    values: [made.id],
  })
  const before = await stored(made.id)
  const { status, json } = await made.replay()
  expect(status).toBe(202)
  expect(json).toMatchObject({ delivery_id: encodeId('delivery', made.id), state: 'scheduled' })
  expect(await stored(made.id)).toEqual({
    ...before,
    state: 'scheduled',
    reason: null,
    retries_used: 0,
    held_since: null,
    replay_id: decodeId('replay', json.replay_id),
    share: 2,
    is_due: true,
    due_reason: null,
  })
})

test('the replay is on record with who asked for it and what it renders', async () => {
  const [made] = await chainOf(1, DELIVERED)
  await app.rows.attempt(made.id, { verdict: 'delivered', httpStatus: 200 })
  const { json } = await made.replay({ render: 'original' })
  const { rows } = await app.ctx.db.reads.query({
    text: 'select delivery_id, render, requested_by from replays where id = $1',
    values: [decodeId('replay', json.replay_id)],
  })
  expect(rows).toEqual([{ delivery_id: made.id, render: 'original', requested_by: 'test' }])
})

test('the answer names the risk of counting twice only where the tracker was called', async () => {
  const [told] = await chainOf(1, DELIVERED)
  const [fresh] = await chainOf(1, { state: 'cancelled' })
  expect((await told.replay()).json.duplicate_risk).toMatchObject([{ code: 'tracker_may_count_twice' }])
  expect((await fresh.replay()).json.duplicate_risk).toEqual([])
})

test('a waiting delivery is due now; it keeps its retries', async () => {
  const [made] = await chainOf(1, {
    attemptsCount: 2,
    dueAt: new Date(Date.now() + 3_600_000),
    dueReason: 'delay',
  })
  await app.ctx.db.reads.query({
    text: 'update deliveries set retries_used = 2 where id = $1',
    values: [made.id],
  })
  expect(await made.replay()).toMatchObject({ status: 202, json: { state: 'scheduled' } })
  expect(await stored(made.id)).toMatchObject({ retries_used: 2, is_due: true, due_reason: null })
})

test('a pause still holds what is replayed', async () => {
  const destinationId = await app.rows.destination(net.affiliateId, { state: 'paused' })
  const [made] = await chainOf(1, { ...DELIVERED, destinationId })
  expect(await made.replay()).toMatchObject({ status: 202, json: { state: 'held' } })
})

test('what its receiver takes no more for its age stays as it is and says so', async () => {
  const destinationId = await app.rows.destination(net.affiliateId, {}, { preset: 'ga4' })
  const [made] = await chainOf(1, { ...DELIVERED, destinationId })
  await app.ctx.db.reads.query({
    text: `update revisions set occurred_at = now() - interval '73 hours' where conversion_id = $1`,
    values: [made.conversionId],
  })
  const before = await stored(made.id)
  const { status, json } = await made.replay()
  expect([status, json.error.code, json.error.reason]).toEqual([409, 'still_skipped', 'event_too_old'])
  expect(await stored(made.id)).toEqual(before)
})

test('a reversal is as old as its report, also where it was skipped for that before', async () => {
  const destinationId = await app.rows.destination(
    net.affiliateId,
    {},
    { preset: 'ga4', statuses: ['rejected'] },
  )
  const at = Date.now() - 73 * 3_600_000
  const conversion = await app.rows.conversion({ ...net, clickId: 'c', affiliateClickId: 'a', at })
  const revision = await app.rows.revision(conversion, { status: 'rejected' })
  const id = await app.rows.delivery({
    conversion,
    revision,
    destinationId,
    state: 'skipped',
    reason: 'event_too_old',
  })
  const { status, json } = await app.post(`/v1/deliveries/${encodeId('delivery', id)}/replay`)
  expect([status, json.error?.reason]).toEqual([409, 'event_too_old'])
})

test('a delivery on the wire is not put into a second place', async () => {
  const [made] = await chainOf(1, { place: 'batch' })
  expect(await made.replay()).toMatchObject({ status: 202, json: { state: 'scheduled' } })
  expect(await stored(made.id)).toMatchObject({ share: null })
})

test('a row whose outcome came late leaves the batch that still lists it', async () => {
  const [made] = await chainOf(1, DELIVERED)
  const batch = await app.rows.batch([made.id, made.conversionId])
  await made.replay()
  const { rows } = await app.ctx.db.reads.query({
    text: 'select deliveries from batches where id = $1',
    values: [batch],
  })
  expect(rows).toEqual([{ deliveries: [made.conversionId] }])
  expect(await stored(made.id)).toMatchObject({ share: 2 })
})

test.each([
  ['superseded itself', [{ state: 'superseded' }, DELIVERED]],
  ['followed by a delivered one', [{ state: 'failed', attemptsCount: 3 }, DELIVERED]],
  ['followed by one that was tried', [DELIVERED, { state: 'failed', attemptsCount: 3 }]],
  ['followed by one that waits', [DELIVERED, {}]],
  ['followed by one on the wire', [DELIVERED, { place: 'batch' as const }]],
  ['followed by a rejected one that was skipped', [DELIVERED, { state: 'skipped', status: 'rejected' }]],
])('a revision %s is refused and stays as it is', async (_what, revisions) => {
  const [older] = await chainOf(2, ...revisions)
  const before = await stored(older.id)
  expect(await older.replay()).toMatchObject({ status: 409, json: { error: { code: 'newer_revision' } } })
  expect(await stored(older.id)).toEqual(before)
})

test('a newer rejected revision refuses before it is fanned out', async () => {
  const [older] = await chainOf(1, DELIVERED)
  await app.rows.revision(
    { id: older.conversionId, at: Date.now() },
    { revision: 2, status: 'rejected', fanoutCount: null },
  )
  expect(await older.replay()).toMatchObject({ status: 409, json: { error: { code: 'newer_revision' } } })
})

test('a newer revision that was skipped does not stand in the way', async () => {
  const [older] = await chainOf(2, DELIVERED, { state: 'skipped', reason: 'nothing_changed' })
  expect(await older.replay()).toMatchObject({ status: 202 })
})

test('a skipped delivery is sent once the rules select it, else the reason is told', async () => {
  const picky = await app.rows.destination(net.affiliateId, {}, { statuses: ['rejected'] })
  await app.ctx.catalogue.refresh()
  const [still] = await chainOf(1, { state: 'skipped', reason: 'status_not_selected', destinationId: picky })
  const [now] = await chainOf(1, { state: 'skipped', reason: 'status_not_selected' })
  expect(await still.replay()).toMatchObject({
    status: 409,
    json: { error: { code: 'still_skipped', reason: 'status_not_selected' } },
  })
  expect(await stored(still.id)).toMatchObject({ state: 'skipped', reason: 'status_not_selected' })
  expect(await now.replay()).toMatchObject({ status: 202, json: { state: 'scheduled' } })
})

test('an older unsent revision gives way to a replayed newer one', async () => {
  const [older, newer] = await chainOf(2, { dueAt: new Date(Date.now() + 60_000) }, { state: 'skipped' })
  expect(await newer.replay()).toMatchObject({ status: 202 })
  expect(await stored(older.id)).toMatchObject({ state: 'superseded', share: null })
  expect(await stored(newer.id)).toMatchObject({
    state: 'scheduled',
    share: 2,
    after_batch: null,
    is_due: true,
  })
})

test('a replayed delivery waits for an older revision on the wire, which is not retried after it', async () => {
  const [older, newer] = await chainOf(2, { place: 'batch' }, { state: 'cancelled' })
  expect(await newer.replay()).toMatchObject({ status: 202 })
  expect(await stored(older.id)).toMatchObject({ state: 'scheduled', next_id: newer.id })
  expect(await stored(newer.id)).toMatchObject({ share: 2, is_due: false, after_batch: expect.any(String) })
})

test('there is no original without an attempt', async () => {
  const [made] = await chainOf(1, { state: 'cancelled' })
  expect(await made.replay({ render: 'original' })).toMatchObject({
    status: 409,
    json: { error: { code: 'no_original' } },
  })
  expect(await stored(made.id)).toMatchObject({ state: 'cancelled', share: null })
})

test('nothing goes to an archived destination', async () => {
  const destinationId = await app.rows.destination(net.affiliateId, { archived_at: new Date() })
  await app.ctx.catalogue.refresh()
  const [made] = await chainOf(1, { ...DELIVERED, destinationId })
  expect(await made.replay()).toMatchObject({
    status: 409,
    json: { error: { code: 'archived', field: 'destination_id' } },
  })
})

test('replays of one delivery at the same time leave it in one place', async () => {
  const [made] = await chainOf(1, DELIVERED)
  const answers = await Promise.all([made.replay(), made.replay(), made.replay(), made.replay()])
  expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 202])
  const { rows } = await app.ctx.db.reads.query({
    text: 'select count(*)::int as n from due where delivery_id = $1',
    values: [made.id],
  })
  expect(rows).toEqual([{ n: 1 }])
})

test.each([
  [{ render: 'newest' }, 'render', 'invalid_field'],
  [{ rendr: 'current' }, 'rendr', 'unknown_field'],
  [{ render: 1 }, 'render', 'invalid_field'],
])('the body %j is refused', async (body, field, code) => {
  const [made] = await chainOf(1, DELIVERED)
  expect(await made.replay(body)).toMatchObject({ status: 400, json: { error: { code, field } } })
})

test('there is nothing to replay under an unknown id, and bulk replay is not built', async () => {
  expect(await app.post('/v1/deliveries/dlv_01h455vb4pex5vsknk084sn02q/replay')).toMatchObject({
    status: 404,
  })
  expect(await app.post('/v1/replays', {})).toMatchObject({ status: 404 })
})
