import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeId } from '../../../src/kit/ids.ts'
import { readLedger } from '../../../src/reports/read-ledger.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
let net: Awaited<ReturnType<ReadsApp['rows']['network']>>

beforeAll(async () => {
  app = await startReadsApp()
  net = await app.rows.network()
})
afterAll(() => app.close())

const HOUR_MS = 3_600_000
let hoursBack = 0

/** A span of its own per test, so that tests do not see each other's rows. */
function nextSpan(hours = 1) {
  hoursBack += hours + 1
  const at = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - hoursBack * HOUR_MS
  const query = `from=${new Date(at).toISOString()}&to=${new Date(at + hours * HOUR_MS).toISOString()}`
  return {
    at: at + 1000,
    read: async () => (await app.get(`/v1/ledger?${query}`)).json,
    explain: async () => (await app.get(`/v1/ledger?${query}&explain=1`)).json,
  }
}

async function fannedOut(at: number, states: readonly string[], fanoutCount: number | null = states.length) {
  const conversion = await app.rows.conversion({ ...net, at })
  const revision = await app.rows.revision(conversion, { fanoutCount })
  const deliveries: string[] = []
  const add = (row: { state: string; test?: boolean }): Promise<string> =>
    app.rows.delivery({ conversion, revision, destinationId: net.destinationId, ...row })
  for (const state of states) deliveries.push(await add({ state }))
  return { conversion, revision, deliveries, add }
}

const deleteDelivery = (id: string | undefined) =>
  app.ctx.db.reads.query({ text: 'delete from deliveries where id = $1', values: [id] })

/** What an answer names, by the conversion: `{ <uuid>: 'deliveries_missing 1' }`. */
const namedIn = (ledger: { explain: { conversion_id: string; kind: string; count: number }[] }) =>
  Object.fromEntries(
    ledger.explain.map(({ conversion_id, kind, count }) => [
      decodeId('conversion', conversion_id),
      `${kind} ${count}`,
    ]),
  )

test('a revision with a row for each of its destinations is accounted for', async () => {
  const span = nextSpan()
  await fannedOut(span.at, [
    'scheduled',
    'delivered',
    'skipped',
    'refused',
    'failed',
    'superseded',
    'cancelled',
  ])
  expect(await span.explain()).toMatchObject({
    revisions: { accepted: 1, fanned_out: 1, waiting: 0, parked: 0, unattributed: 0 },
    deliveries: {
      scheduled: 1,
      held: 0,
      delivered: 1,
      refused: 1,
      failed: 1,
      skipped: 1,
      superseded: 1,
      cancelled: 1,
    },
    unaccounted: 0,
    explain: [],
  })
})

test('parked, unattributed and waiting revisions are accounted for without deliveries', async () => {
  const span = nextSpan()
  const waits = [
    { reason: 'unknown_click', due_at: new Date() },
    { reason: 'unknown_click', due_at: 'infinity' },
    { reason: 'no_store', due_at: new Date() },
  ]
  for (const wait of waits) {
    const conversion = await app.rows.conversion({ advertiserId: net.advertiserId, at: span.at })
    await app.rows.revision(conversion, { fanoutCount: null })
    await app.rows.insert('unsettled', { conversion_id: conversion.id, click_id: 'c', ...wait })
  }
  expect(await span.read()).toMatchObject({
    revisions: { accepted: 3, fanned_out: 0, waiting: 1, parked: 1, unattributed: 1 },
    unaccounted: 0,
  })
})

test('a delivery row deleted by hand is unaccounted and named', async () => {
  const span = nextSpan()
  const { conversion, deliveries } = await fannedOut(span.at, ['delivered', 'skipped'])
  await deleteDelivery(deliveries[0])
  const ledger = await span.explain()
  expect(ledger.unaccounted).toBe(1)
  expect(ledger.explain).toHaveLength(1)
  expect(ledger.explain[0]).toMatchObject({ kind: 'deliveries_missing', revision: 1, count: 1 })
  expect(decodeId('conversion', ledger.explain[0].conversion_id)).toBe(conversion.id)
})

test('all delivery rows of a revision gone count one by one', async () => {
  const span = nextSpan()
  const { deliveries } = await fannedOut(span.at, ['delivered', 'skipped', 'refused'])
  await app.ctx.db.reads.query({
    text: 'delete from deliveries where id = any($1::uuid[])',
    values: [deliveries],
  })
  expect(await span.read()).toMatchObject({ unaccounted: 3 })
})

test('a missing and a surplus row of two revisions do not cancel out', async () => {
  const span = nextSpan()
  const one = await fannedOut(span.at, ['delivered'])
  const two = await fannedOut(span.at, ['delivered'])
  await app.ctx.db.reads.query({
    text: 'update deliveries set revision_id = $1 where id = $2',
    values: [two.revision.id, one.deliveries[0]],
  })
  const ledger = await span.explain()
  expect(ledger.unaccounted).toBe(2)
  expect(ledger.explain.map((one: { kind: string }) => one.kind).sort()).toEqual([
    'deliveries_missing',
    'deliveries_unexpected',
  ])
})

test('a row too few and a row too many are both named where as many rows are there as were written', async () => {
  const span = nextSpan()
  const one = await fannedOut(span.at, ['delivered', 'skipped'])
  const two = await fannedOut(span.at, ['delivered', 'refused'])
  await fannedOut(span.at, ['delivered'])
  await deleteDelivery(one.deliveries[0])
  await two.add({ state: 'delivered' })
  const ledger = await span.explain()
  expect(ledger).toMatchObject({ deliveries: { delivered: 3, skipped: 1, refused: 1 }, unaccounted: 2 })
  expect(namedIn(ledger)).toEqual({
    [one.conversion.id]: 'deliveries_missing 1',
    [two.conversion.id]: 'deliveries_unexpected 1',
  })
})

test('faults in several hours of a span are all counted and named', async () => {
  const span = nextSpan(3)
  const one = await fannedOut(span.at, ['delivered'])
  await fannedOut(span.at + HOUR_MS, ['delivered'])
  const three = await fannedOut(span.at + 2 * HOUR_MS, ['delivered'])
  await deleteDelivery(one.deliveries[0])
  await three.add({ state: 'delivered' })
  const ledger = await span.explain()
  expect(ledger).toMatchObject({ revisions: { accepted: 3 }, deliveries: { delivered: 3 }, unaccounted: 2 })
  expect(namedIn(ledger)).toEqual({
    [one.conversion.id]: 'deliveries_missing 1',
    [three.conversion.id]: 'deliveries_unexpected 1',
  })
})

test('a row of a revision that was fanned out to nobody is named', async () => {
  const span = nextSpan()
  const { conversion } = await fannedOut(span.at, ['delivered'], 0)
  expect(namedIn(await span.explain())).toEqual({ [conversion.id]: 'deliveries_unexpected 1' })
})

test('a row of a revision that is not fanned out is named', async () => {
  const span = nextSpan()
  const { conversion } = await fannedOut(span.at, ['delivered'], null)
  const wait = { click_id: 'c', reason: 'unknown_click', due_at: new Date() }
  await app.rows.insert('unsettled', { conversion_id: conversion.id, ...wait })
  const ledger = await span.explain()
  expect(ledger).toMatchObject({ revisions: { parked: 1 }, deliveries: { delivered: 1 }, unaccounted: 1 })
  expect(namedIn(ledger)).toEqual({ [conversion.id]: 'deliveries_unexpected 1' })
})

test('of a fan-out to a thousand destinations every row that is gone counts', async () => {
  const span = nextSpan()
  const { conversion } = await fannedOut(span.at, ['delivered'], 1000)
  const ledger = await span.explain()
  expect(ledger.unaccounted).toBe(999)
  expect(namedIn(ledger)).toEqual({ [conversion.id]: 'deliveries_missing 999' })
})

test('the delivery of a test does not stand in for a row that is gone', async () => {
  const span = nextSpan()
  const { conversion, deliveries, add } = await fannedOut(span.at, ['delivered'])
  await deleteDelivery(deliveries[0])
  await add({ state: 'delivered', test: true })
  expect(namedIn(await span.explain())).toEqual({ [conversion.id]: 'deliveries_missing 1' })
})

test('a revision row deleted by hand leaves its deliveries unexpected', async () => {
  const span = nextSpan()
  const { revision } = await fannedOut(span.at, ['delivered'])
  await app.ctx.db.reads.query({ text: 'delete from revisions where id = $1', values: [revision.id] })
  expect(await span.explain()).toMatchObject({
    revisions: { accepted: 0 },
    unaccounted: 1,
    explain: [{ kind: 'deliveries_unexpected', count: 1 }],
  })
})

test('a revision that is neither fanned out nor unsettled is unaccounted', async () => {
  const span = nextSpan()
  const conversion = await app.rows.conversion({ ...net, at: span.at })
  await app.rows.revision(conversion, { fanoutCount: null })
  expect(await span.explain()).toMatchObject({
    revisions: { accepted: 1, fanned_out: 0, waiting: 0, parked: 0, unattributed: 0 },
    unaccounted: 1,
    explain: [{ kind: 'revision_without_place' }],
  })
})

test('a scheduled delivery that neither waits nor travels is unaccounted and named', async () => {
  const span = nextSpan()
  const { deliveries } = await fannedOut(span.at, ['scheduled'])
  await app.ctx.db.reads.query({ text: 'delete from due where delivery_id = $1', values: deliveries })
  const ledger = await span.explain()
  expect(ledger).toMatchObject({ unaccounted: 1, explain: [{ kind: 'delivery_without_place' }] })
  expect(decodeId('delivery', ledger.explain[0].delivery_id)).toBe(deliveries[0])
  await app.rows.batch(deliveries)
  expect(await span.read()).toMatchObject({ unaccounted: 0 })
})

test('the place of a finished delivery does not stand in for that of a scheduled one', async () => {
  const span = nextSpan()
  const { conversion, deliveries } = await fannedOut(span.at, ['scheduled', 'delivered'])
  await app.ctx.db.reads.query({
    text: 'update due set delivery_id = $1 where delivery_id = $2',
    values: [deliveries[1], deliveries[0]],
  })
  const ledger = await span.explain()
  expect(ledger).toMatchObject({ deliveries: { scheduled: 1, delivered: 1 }, unaccounted: 1 })
  expect(namedIn(ledger)).toEqual({ [conversion.id]: 'delivery_without_place 1' })
})

test('deliveries of tests do not count', async () => {
  const span = nextSpan()
  const { conversion, revision } = await fannedOut(span.at, ['delivered'])
  await app.rows.delivery({
    conversion,
    revision,
    destinationId: net.destinationId,
    place: 'nowhere',
    test: true,
  })
  expect(await span.read()).toMatchObject({ deliveries: { delivered: 1, scheduled: 0 }, unaccounted: 0 })
})

test('what a paused destination holds counts as held', async () => {
  const span = nextSpan()
  const destinationId = await app.rows.destination(net.affiliateId, { state: 'paused' })
  const conversion = await app.rows.conversion({ ...net, at: span.at })
  const revision = await app.rows.revision(conversion)
  await app.rows.delivery({ conversion, revision, destinationId })
  expect(await span.read()).toMatchObject({ deliveries: { scheduled: 0, held: 1 }, unaccounted: 0 })
})

test('a span of many hours holds neither a snapshot nor a connection for longer than an hour of it takes', async () => {
  const { reads } = app.ctx.db
  let taken = 0
  const counted: typeof reads = {
    query: (statement) => reads.query(statement),
    connect: () => {
      taken++
      return reads.connect()
    },
  }
  const { at } = nextSpan(5)
  const span = { from: new Date(at), to: new Date(at + 5 * HOUR_MS), explain: false }
  await readLedger({ ...app.ctx, db: { ...app.ctx.db, reads: counted } }, span)
  expect(taken).toBe(5)
})

test('the span is a half-open interval of acceptance times', async () => {
  const span = nextSpan()
  const start = span.at - 1000
  await fannedOut(start, ['delivered'])
  await fannedOut(start + HOUR_MS, ['delivered'])
  expect(await span.read()).toMatchObject({ revisions: { accepted: 1 }, deliveries: { delivered: 1 } })
})

test.each([
  ['from=yesterday', 'from', 'invalid_time'],
  ['to=2026-02-30T25:00:00Z', 'to', 'invalid_time'],
  ['from=2026-02-01&to=2026-01-01', 'from', 'invalid_field'],
  ['from=2025-01-01&to=2026-01-01', 'from', 'invalid_field'],
  ['explain=maybe', 'explain', 'invalid_field'],
  ['form=2026-01-01', 'form', 'unknown_field'],
])('the ledger refuses %s by name', async (query, field, code) => {
  const { status, json } = await app.get(`/v1/ledger?${query}`)
  expect(status).toBe(400)
  expect(json.error).toMatchObject({ code, field })
})
