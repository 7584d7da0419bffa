import { expect, test } from 'vitest'
import { SETTINGS } from '../../config/schema.ts'
import { DELIVERY_STATES } from '../../src/deliveries/delivery-states.ts'
import { HELD_REASONS } from '../../src/deliveries/held.ts'
import { TRACE_CODES } from '../../src/deliveries/trace-facts.ts'
import { ERROR_CODES } from '../../src/kit/error-codes.ts'
import { ID_PREFIXES } from '../../src/kit/ids.ts'
import { METRIC_FAMILIES } from '../../src/reports/metric-families.ts'
import { renderBacklog, renderStoreUp } from '../../src/reports/render-metrics.ts'
import { code, readDoc, tableRows } from '../support/doc-text.ts'

const NONE = '–'

test('docs/errors.md lists the codes of the program, with status, meaning and fix', () => {
  const documented = tableRows(readDoc('docs/errors.md')).map(([name, status, message, fix]) => [
    code(name),
    { status: Number(status), message, fix },
  ])
  const known = Object.entries(ERROR_CODES).map(([name, { status, message, fix = NONE }]) => [
    name,
    { status, message, fix },
  ])
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(known))
  expect(documented).toHaveLength(known.length)
})

test('docs/configuration.md lists the settings of the program, with default and meaning', () => {
  const rows = tableRows(readDoc('docs/configuration.md'))
  const settings = Object.values(SETTINGS)
  expect(rows.map(([name]) => code(name)).sort()).toEqual(settings.map(({ env }) => env).sort())
  for (const { env, fallback, parse, about } of settings) {
    const [, documented = '', meaning] = rows.find(([name]) => code(name) === env) ?? []
    expect(meaning, env).toBe(about)
    const isEmpty = fallback === null || (Array.isArray(fallback) && fallback.length === 0)
    if (isEmpty) expect(documented, env).toBe(NONE)
    else expect(parse(code(documented)), env).toEqual(fallback)
  }
})

test('docs/configuration.md names the settings that are secret', () => {
  const secret = Object.values(SETTINGS).filter((setting) => 'secret' in setting)
  const sentence = /\n((?:[^\n]+\n)+)(?=\n|$)/g
  const paragraph = [...readDoc('docs/configuration.md').matchAll(sentence)].find(([text]) =>
    text.includes('are secrets'),
  )
  const named = [...(paragraph?.[0] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)
  expect(named.sort()).toEqual(secret.map(({ env }) => env).sort())
})

test('the state diagram shows every state of a delivery and no other', () => {
  const diagram = /```mermaid\n([\s\S]*?)```/.exec(readDoc('docs/delivery-guarantees.md'))?.[1] ?? ''
  const shown = [...diagram.matchAll(/^ {2}(\S+) --> ([^:\s]+)/gm)].flatMap(([, from, to]) => [from, to])
  expect(new Set(shown.filter((state) => state !== '[*]'))).toEqual(new Set(DELIVERY_STATES))
})

test('the state diagram names every reason of a hold', () => {
  const held = /scheduled --> held: (.*)/.exec(readDoc('docs/delivery-guarantees.md'))?.[1]?.split(', ')
  expect(held?.sort()).toEqual([...HELD_REASONS].sort())
})

test('the documented retry schedule is the default, and as long as it says', () => {
  const { fallback, parse } = SETTINGS.retryScheduleMs
  const text = readDoc('docs/delivery-guarantees.md').split('## Retries\n')[1] ?? ''
  const schedule = /`((?:\d+(?:ms|s|m|h),?)+)`/.exec(text)?.[1] ?? ''
  expect(parse(schedule)).toEqual(fallback)
  expect(text).toContain(`${fallback.length} retries`)
  const hours = fallback.reduce((sum, ms) => sum + ms, 0) / 3_600_000
  expect(text.replace(/\s+/g, ' ')).toContain(`about ${Math.round(hours)} hours`)
})

test('docs/operations.md lists every metric and no other', async () => {
  const backlog = {
    due: 0,
    held: {},
    oldestSeconds: 0,
    unsettled: {},
    breakersOpen: 0,
    workers: 0,
    waitsMs: { deliver: 0 },
  }
  const pages = await Promise.all([renderBacklog(backlog), renderStoreUp(true)])
  const gauges = pages.flatMap((page) => [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
  const documented = tableRows(readDoc('docs/operations.md'), 'Metrics').map(
    ([name]) => code(name).split('{')[0],
  )
  expect(documented.sort()).toEqual([...Object.keys(METRIC_FAMILIES), ...gauges].sort())
})

test('docs/operations.md lists every trace code and no other', () => {
  const rows = tableRows(readDoc('docs/operations.md'), '"The tracker does not show it"')
  expect(rows.map(([name]) => code(name)).sort()).toEqual([...TRACE_CODES].sort())
})

test('the glossary names every prefix of an id and no other', () => {
  const named = [...readDoc('docs/glossary.md').matchAll(/\| `([a-z]+)_`/g)].map(([, prefix]) => prefix)
  expect(named.sort()).toEqual(Object.values(ID_PREFIXES).sort())
})
