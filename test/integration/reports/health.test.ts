import { afterAll, beforeAll, expect, test } from 'vitest'
import { flushMetrics, startMetricFlush } from '../../../src/reports/metric-totals.ts'
import { createMetrics } from '../../../src/reports/metrics.ts'
import { type ReadsApp, startReadsApp } from '../../support/reads-app.ts'

let app: ReadsApp
beforeAll(async () => {
  app = await startReadsApp()
})
afterAll(() => app.close())

const sample = (page: string, series: string): number | undefined => {
  const line = page.split('\n').find((text) => text.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

test('livez answers without a store', async () => {
  expect(await app.get('/livez')).toMatchObject({ status: 200, json: { status: 'ok' } })
})

test('readyz says how durable a commit is and that no worker is alive', async () => {
  const { status, json } = await app.get('/readyz')
  expect(status).toBe(200)
  expect(json).toMatchObject({
    ready: true,
    missing: [],
    postgres: { ok: true, synchronous_commit: 'on', synchronous_standby_names: '', survives_failover: false },
    workers: { alive: 0 },
  })
  expect(json.warnings).toEqual([expect.stringContaining('No worker is alive')])
})

test('a queue that does not answer is reported, and the relay stays ready', async () => {
  const other = await startReadsApp({ queueProblem: 'connection refused' })
  const { status, json } = await other.get('/readyz')
  await other.close()
  expect(status).toBe(200)
  expect(json.queue).toEqual({ backend: 'redis', ok: false, problem: 'connection refused' })
  expect(json.warnings[0]).toContain('connection refused')
})

test('without Postgres readyz answers 503 and names it, and metrics says so', async () => {
  const other = await startReadsApp()
  await other.ctx.db.reads.query({ text: 'select 1' })
  const { connectionString } = other.database
  await app.ctx.db.reads.query({ text: `alter database ${nameOf(connectionString)} allow_connections false` })
  await app.ctx.db.reads.query({
    text: 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
    values: [nameOf(connectionString)],
  })
  const ready = await other.get('/readyz')
  const metrics = await other.get('/metrics')
  await app.ctx.db.reads.query({ text: `alter database ${nameOf(connectionString)} allow_connections true` })
  await other.close()
  expect(ready).toMatchObject({ status: 503, json: { ready: false, missing: ['postgres'] } })
  expect(ready.headers['retry-after']).toBe('1')
  expect(metrics.status).toBe(200)
  expect(sample(metrics.text, 'relay_store_up')).toBe(0)
})

test('with a Postgres that only reads, a standby say, readyz answers 503', async () => {
  const other = await startReadsApp()
  const name = nameOf(other.database.connectionString)
  await app.ctx.db.reads.query({ text: `alter database ${name} set default_transaction_read_only = on` })
  const { status, json } = await other.get('/readyz')
  await other.close()
  expect(status).toBe(503)
  expect(json).toMatchObject({ ready: false, missing: ['postgres'], postgres: { ok: false } })
})

test('metrics says that Postgres does not answer before a scrape gives up', async () => {
  const other = await startReadsApp()
  const frozen = await other.ctx.db.results.connect()
  await frozen.query('begin; lock table metric_totals')
  const startedMs = performance.now()
  const { status, text } = await other.get('/metrics')
  const tookMs = performance.now() - startedMs
  await frozen.query('rollback').finally(() => frozen.release())
  await other.close()
  expect(status).toBe(200)
  expect(sample(text, 'relay_store_up')).toBe(0)
  expect(tookMs).toBeLessThan(9000)
})

const nameOf = (connectionString: string): string => new URL(connectionString).pathname.slice(1)

test('counters of all processes add up, and series that never counted stand at 0', async () => {
  const worker = { db: app.ctx.db, metrics: createMetrics(), log: app.ctx.log }
  const flush = startMetricFlush(worker)
  worker.metrics.attempt('delivered', 0.2)
  worker.metrics.attempt('retry', null)
  await flush.close()
  expect(worker.metrics.drain()).toEqual([])
  worker.metrics.attempt('delivered', 3)
  await flushMetrics(worker)
  app.ctx.metrics.conversion('accepted', 3)
  app.ctx.metrics.deliveries('skipped')
  app.ctx.metrics.acceptSeconds(0.004)

  const { text, headers } = await app.get('/metrics')
  expect(headers['content-type']).toContain('text/plain')
  expect(sample(text, 'relay_conversions_total{result="accepted"}')).toBe(3)
  expect(sample(text, 'relay_conversions_total{result="parked"}')).toBe(0)
  expect(sample(text, 'relay_deliveries_total{state="skipped"}')).toBe(1)
  expect(sample(text, 'relay_attempts_total{verdict="delivered"}')).toBe(2)
  expect(sample(text, 'relay_attempts_total{verdict="retry"}')).toBe(1)
  expect(sample(text, 'relay_accept_seconds_bucket{le="0.0025"}')).toBe(0)
  expect(sample(text, 'relay_accept_seconds_bucket{le="0.005"}')).toBe(1)
  expect(sample(text, 'relay_accept_seconds_count')).toBe(1)
  expect(sample(text, 'relay_accept_to_tracker_seconds_bucket{le="0.25"}')).toBe(1)
  expect(sample(text, 'relay_accept_to_tracker_seconds_bucket{le="+Inf"}')).toBe(2)
  expect(sample(text, 'relay_accept_to_tracker_seconds_sum')).toBeCloseTo(3.2)
  expect(sample(text, 'relay_store_up')).toBe(1)
  expect(text).toContain('# TYPE relay_accept_seconds histogram')
})

test('gauges show what waits, what is held and why, and open breakers', async () => {
  const other = await startReadsApp()
  const net = await other.rows.network()
  const paused = await other.rows.destination(net.affiliateId, { state: 'paused' })
  const broken = await other.rows.destination(net.affiliateId)
  await other.rows.insert('lanes', {
    destination_id: broken,
    mode: 'blocked',
    blocked_reason: 'breaker_open',
    blocked_until: new Date(Date.now() + 60_000),
  })
  const conversion = await other.rows.conversion(net)
  const revision = await other.rows.revision(conversion)
  const waitingSince = new Date(Date.now() - 30_000)
  for (const destinationId of [net.destinationId, paused, broken])
    await other.rows.delivery({ conversion, revision, destinationId, dueAt: waitingSince })
  await other.rows.insert('workers', {
    id: '00000000-0000-7000-8000-000000000001',
    host: 'a',
    pid: 1,
    heartbeat_at: new Date(),
    waits_ms: { deliver: 250 },
  })
  const { text } = await other.get('/metrics')
  await other.close()
  expect(sample(text, 'relay_due_backlog')).toBe(3)
  expect(sample(text, 'relay_due_oldest_seconds')).toBeGreaterThan(29)
  expect(sample(text, 'relay_held{reason="paused"}')).toBe(1)
  expect(sample(text, 'relay_held{reason="breaker_open"}')).toBe(1)
  expect(sample(text, 'relay_held{reason="delay"}')).toBe(0)
  expect(sample(text, 'relay_breakers_open')).toBe(1)
  expect(sample(text, 'relay_workers')).toBe(1)
  expect(sample(text, 'relay_queue_wait_seconds{queue="deliver"}')).toBe(0.25)
})
