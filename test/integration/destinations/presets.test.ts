import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PRESET_NAMES } from '../../../config/presets/presets.ts'
import { compileDestination } from '../../../src/destinations/compile.ts'
import { decodeId } from '../../../src/kit/ids.ts'
import { type ControlApi, createNetwork, startControlApi } from '../../support/control-api.ts'

let api: ControlApi
beforeAll(async () => {
  api = await startControlApi()
})
afterAll(() => api.close())

const HOUSE = {
  title: 'House tracker',
  recognise: [{ host: '*.house.example', path: '/pb' }],
  click_id_parameter: 'hc',
  parameters: [
    { name: 'hc', macro: '{affiliate_click_id}', need: 'required' },
    { name: 'sum', macro: '{payout}', need: 'recommended' },
  ],
  refusals: [{ word: 'house_says_no', contains: 'unknown hit' }],
}
let made = 0
const create = async (own: object = {}) => {
  const name = `house_${++made}`
  const host = `*.house${made}.example`
  const answer = await api.post('/presets', { name, ...HOUSE, recognise: [{ host, path: '/pb' }], ...own })
  return { name, url: `https://t.house${made}.example/pb?hc={clickid}&sum={payout}`, answer }
}
const refusalsOf = (id: string) => {
  const destination = api.ctx.catalogue.destination(decodeId('destination', id) ?? '')
  if (destination === undefined) throw new Error('no such destination')
  return compileDestination(destination.definition)
}

describe("a network's own preset", () => {
  test('is listed beside those of the program', async () => {
    const { name, answer } = await create()
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({ name, kind: 'tracker', version: 1, built_in: false })
    const { json } = await api.get('/presets')
    const names = json.data.map((one: { name: string }) => one.name)
    expect(names).toEqual(expect.arrayContaining([name, ...PRESET_NAMES]))
    expect((await api.get('/presets/keitaro')).json.built_in).toBe(true)
    expect((await api.get('/presets/none')).status).toBe(404)
  })

  test('recognises and lints URLs', async () => {
    const { name, url } = await create()
    const good = await api.post('/destinations/lint', { url })
    expect(good.json).toMatchObject({ preset: name, findings: [] })
    const bad = await api.post('/destinations/lint', { url: url.replace('hc={clickid}', 'x=1') })
    expect(bad.json.findings.map(({ code }: { code: string }) => code)).toContain('click_id_missing')
    const named = await api.post('/destinations/lint', { url: 'https://other.example/?a=1', preset: name })
    expect(named.json.preset).toBe(name)
  })

  test('may have capitals in host, path and names; URLs have them as they are declared', async () => {
    const { affiliate } = await createNetwork(api)
    const { name } = await create({
      recognise: [{ host: '*.Capital.example', path: '/API/Pb' }],
      click_id_parameter: 'hitId',
      parameters: [{ name: 'hitId', macro: '{affiliate_click_id}', need: 'required' }],
    })
    const url = 'https://t.capital.example/API/Pb?hitId={clickid}'
    expect((await api.post('/destinations/lint', { url })).json).toMatchObject({ preset: name, findings: [] })
    const lower = await api.post('/destinations/lint', { url: url.replace('hitId', 'hitid') })
    expect(lower.json.findings).toEqual([expect.objectContaining({ code: 'parameter_name' })])
    const { id } = (
      await api.post('/destinations', { affiliate_id: affiliate.id, url: url.replace('{clickid}', '{sub2}') })
    ).json
    expect(refusalsOf(id).clickIdMacro).toBe('sub2')
  })

  test('says what a refusal is, named or recognised, and for destinations that were there before it', async () => {
    const { affiliate } = await createNetwork(api)
    const next = `https://t.house${made + 1}.example/pb?hc={clickid}&sum={payout}`
    const before = (await api.post('/destinations', { affiliate_id: affiliate.id, url: next })).json
    expect(refusalsOf(before.id)).toMatchObject({ preset: null, refusals: null })
    const { name, url } = await create()
    const named = (
      await api.post('/destinations', {
        affiliate_id: affiliate.id,
        preset: name,
        url: 'https://else.example/?hc={clickid}&sum={payout}',
      })
    ).json
    const plain = (await api.post('/destinations', { affiliate_id: affiliate.id, preset: 'plain', url })).json
    expect(refusalsOf(before.id)).toMatchObject({ preset: name, refusals: [{ word: 'house_says_no' }] })
    expect(refusalsOf(named.id)).toMatchObject({ preset: name, refusals: [{ word: 'house_says_no' }] })
    expect(refusalsOf(plain.id)).toMatchObject({ preset: 'plain', refusals: null })
    const patched = await api.patch(`/presets/${name}`, { refusals: [{ word: 'other_word', equals: '0' }] })
    expect(patched.json).toMatchObject({ version: 2, title: 'House tracker' })
    expect(refusalsOf(named.id).refusals).toEqual([{ word: 'other_word', equals: '0' }])
    const stored = await api.list<{ definition: object }>('select definition from destination_versions')
    expect(JSON.stringify(stored)).not.toContain('house_says_no')
  })

  test('holds for other processes too', async () => {
    const { name } = await create()
    const other = await startControlApi({ database: api.database })
    try {
      expect((await other.get(`/presets/${name}`)).status).toBe(200)
      await api.patch(`/presets/${name}`, { title: 'Renamed' })
      expect((await other.get(`/presets/${name}`)).json.title).toBe('Renamed')
    } finally {
      await other.close()
    }
  })

  test.each<[string, object, string]>([
    [
      'an unknown macro',
      { parameters: [{ name: 'a', macro: '{nope}', need: 'optional' }], click_id_parameter: null },
      'parameters.0.macro',
    ],
    ['a rule that fits every URL', { recognise: [{}] }, 'recognise.0'],
    ['a refusal that fits every answer', { refusals: [{ word: 'no' }] }, 'refusals.0'],
    ['a click id that is no parameter', { click_id_parameter: 'zz' }, 'click_id_parameter'],
    ['a broken map', { status: { parameter: 's', words: [], map: 'x' } }, 'status.map'],
    ['a test parameter that breaks out', { test_parameters: { a: '1&b=2' } }, 'test_parameters'],
    ['a pattern', { refusals: [{ word: 'no', matches: '(a+)+$' }] }, 'refusals.0.matches'],
    ['another kind', { kind: 'ad_platform' }, 'kind'],
  ])('with %s is refused', async (_, own, field) => {
    const { answer } = await create(own)
    expect([answer.status, answer.json.error.field]).toEqual([400, field])
  })

  test('can not take the name of another, nor change one of the program', async () => {
    const { name } = await create()
    for (const taken of [name, 'keitaro']) {
      const { status, json } = await api.post('/presets', { name: taken, ...HOUSE })
      expect([status, json.error.code]).toEqual([409, 'preset_exists'])
    }
    const patched = await api.patch('/presets/keitaro', { title: 'Mine' })
    expect([patched.status, patched.json.error.field]).toEqual([400, 'name'])
    expect((await api.patch('/presets/none', { title: 'x' })).status).toBe(404)
  })
})

test('an event that the offer does not have is told on save', async () => {
  const { affiliate, offer } = await createNetwork(api, { events: ['sale', 'lead'] })
  const { json } = await api.post('/destinations', {
    affiliate_id: affiliate.id,
    url: 'https://t.shop.com/p?c={clickid}',
    offer_ids: [offer.id],
    events: ['slae'],
  })
  expect(json.findings.map(({ code }: { code: string }) => code)).toEqual(['unknown_event'])
})
