import { afterEach, describe, expect, test } from 'vitest'
import { migrateQueueSchema } from '../../../src/queue/postgres-schema.ts'
import { eventually } from '../../support/eventually.ts'
import { newBatchId, openQueueRig, type QueueRig } from '../../support/queue-rig.ts'

describe('Postgres under the queues', () => {
  let rig: QueueRig

  const start = async (options: Parameters<typeof openQueueRig>[0] = {}): Promise<void> => {
    rig = await openQueueRig(options)
  }
  const add = async (): Promise<string> => {
    const batchId = newBatchId()
    await eventually(async () => expect(await rig.queues.hint('deliver', batchId)).toBe('added'))
    return batchId
  }
  const ranOf = (batchId: string): number => rig.ran.filter((one) => one.batchId === batchId).length

  afterEach(() => rig.close())

  test('a DATABASE_URL with options of its own has queues that work', async () => {
    await start({ databaseUrl: async (url) => `${url}?options=-c%20search_path%3Dpublic` })
    rig.work()
    const batchId = await add()
    await eventually(() => expect(ranOf(batchId)).toBe(1))
  })

  test('connections that Postgres terminates, LISTEN included, are made anew', async () => {
    await start()
    rig.work()
    for (let round = 0; round < 3; round++) {
      const before = await add()
      await eventually(() => expect(ranOf(before)).toBe(1))
      const { rows } = await rig.db.reads.query<{ ended: number }>({
        text: `select count(pg_terminate_backend(pid))::int as ended from pg_stat_activity
                where datname = current_database() and application_name in ('relay queue', 'deliver', 'deliver-again')`,
      })
      expect(rows[0]?.ended).toBeGreaterThanOrEqual(3)
    }
    const after = await add()
    await eventually(() => expect(ranOf(after)).toBe(1))
  })

  test('the queues of a process hold at most ten connections', async () => {
    await start()
    rig.work()
    await Promise.all(Array.from({ length: 50 }, add))
    const { rows } = await rig.db.reads.query<{ held: number }>({
      text: `select count(*)::int as held from pg_stat_activity
              where datname = current_database() and application_name in ('relay queue', 'deliver', 'deliver-again')`,
    })
    // Two queues and two workers with two each, and each worker's LISTEN.
    expect(rows[0]?.held).toBeLessThanOrEqual(10)
  })

  test('adding, claiming and finishing a job do not wait for the disk', async () => {
    await start()
    await add()
    await rig.db.reads.query({ text: 'create table waits (setting text, operation text)' })
    await rig.db.reads.query({
      text: `create function note_wait() returns trigger language plpgsql as $$ begin
               insert into public.waits values (current_setting('synchronous_commit'), tg_op); return null; end $$`,
    })
    await rig.db.reads.query({
      text: `create trigger note_wait after insert or update or delete on bullmq.job
               for each row execute function public.note_wait()`,
    })
    await add()
    rig.work()
    await eventually(async () => {
      const { rows } = await rig.db.reads.query({
        text: 'select setting, operation from waits group by 1, 2 order by 2',
      })
      expect(rows).toEqual(['DELETE', 'INSERT', 'UPDATE'].map((operation) => ({ setting: 'off', operation })))
    })
  })

  test('many processes may bring the schema up to date at once', async () => {
    await start()
    await Promise.all(Array.from({ length: 4 }, () => migrateQueueSchema(rig.db.results)))
    const { rows } = await rig.db.reads.query<{ versions: number }>({
      text: 'select count(*)::int as versions from bullmq.migration',
    })
    expect(rows[0]?.versions).toBeGreaterThan(0)
  })

  test('finished jobs leave no rows', async () => {
    await start()
    rig.work()
    const batches = await Promise.all(Array.from({ length: 100 }, add))
    await eventually(() => expect(rig.ran).toHaveLength(batches.length))
    await eventually(async () => {
      const { rows } = await rig.db.reads.query<{ jobs: number }>({
        text: 'select count(*)::int as jobs from bullmq.job',
      })
      expect(rows[0]?.jobs).toBe(0)
    })
  })

  test('a schema that disappears means no room, and hints that fail without an exception', async () => {
    await start()
    await rig.beat()
    await add()
    await eventually(() => expect(rig.queues.room('deliver')).toBeGreaterThan(0))
    await rig.db.reads.query({ text: 'drop schema bullmq cascade' })
    expect(await rig.queues.hint('deliver', newBatchId())).toBe('failed')
    await eventually(() => expect(rig.queues.room('deliver')).toBe(0))
  })
})
