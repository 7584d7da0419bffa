import { afterAll, beforeAll, expect, test } from 'vitest'
import { withControlWrite } from '../../../src/catalogue/control-write.ts'
import { createCatalogue } from '../../../src/catalogue/create-catalogue.ts'
import { findCatalogueVersion } from '../../../src/catalogue/store.ts'
import { newUuid, type Uuid } from '../../../src/kit/ids.ts'
import { type ControlApi, startControlApi } from '../../support/control-api.ts'
import { eventually } from '../../support/eventually.ts'

let api: ControlApi
beforeAll(async () => {
  api = await startControlApi()
})
afterAll(() => api.close())

/** An affiliate made by another process: this one hears of it from Postgres only. */
async function insertElsewhere(): Promise<Uuid> {
  const id = newUuid(Date.now())
  await api.list(
    `with v as (update catalogue_version set n = n + 1 returning n)
      insert into affiliates (id, name, changed_in) select $1, 'elsewhere', n from v`,
    [id],
  )
  return id
}

test('upTo holds the rows of that version when it resolves, whatever load was on its way', async () => {
  const { catalogue } = api.ctx
  for (let n = 0; n < 50; n++) {
    const running = catalogue.refresh()
    const id = await insertElsewhere()
    const version = await findCatalogueVersion(api.db.reads)
    await catalogue.upTo(version)
    expect(catalogue.affiliate(id)).toBeDefined()
    expect(catalogue.version).toBeGreaterThanOrEqual(version)
    await running
  }
})

test('an idle process sees the writes of others by itself', async () => {
  const idle = await createCatalogue({ ...api.ctx, pollIntervalMs: 20 })
  try {
    const id = await insertElsewhere()
    await eventually(() => expect(idle.affiliate(id)).toBeDefined())
  } finally {
    idle.close()
  }
})

test('more writes at once than there are connections all end, each with a version of its own', async () => {
  const versions = await Promise.all(
    Array.from({ length: 30 }, () => withControlWrite(api.ctx, async (_tx, version) => version)),
  )
  expect(new Set(versions).size).toBe(30)
  expect(api.ctx.catalogue.version).toBeGreaterThanOrEqual(Math.max(...versions))
})

test('a write that fails leaves no version behind', async () => {
  const before = await findCatalogueVersion(api.db.reads)
  await expect(
    withControlWrite(api.ctx, async () => {
      throw new Error('refused')
    }),
  ).rejects.toThrow('refused')
  expect(await findCatalogueVersion(api.db.reads)).toBe(before)
})

test('the cache is never behind a write when its answer is given, with many at once', async () => {
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const { json } = await api.post('/affiliates', { name: `many-${n}`, external_id: `many-${n}` })
      expect(api.ctx.catalogue.resolve('affiliate', `many-${n}`)).not.toBeNull()
      await api.patch(`/affiliates/${json.id}`, { state: 'blocked' })
      const id = api.ctx.catalogue.resolve('affiliate', json.id) ?? ''
      expect(api.ctx.catalogue.affiliate(id)?.state).toBe('blocked')
    }),
  )
})
