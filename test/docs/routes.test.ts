import { readdirSync, readFileSync } from 'node:fs'
import { pino } from 'pino'
import { beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../config/load.ts'
import { buildApp } from '../../src/app.ts'
import type { Context } from '../../src/context.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { createMetrics } from '../../src/reports/metrics.ts'
import { docPaths, existsInTree, readDoc } from '../support/doc-text.ts'

type Route = { method: string; segments: string[] }
let routes: Route[]

/** Routes are registered without a database: nothing is asked of it before the first call. */
beforeAll(async () => {
  const ctx = {
    config: loadConfig({}),
    log: pino({ level: 'silent' }),
    clock: systemClock,
    metrics: createMetrics(),
    db: {},
  } as unknown as Context
  const app = await buildApp(ctx, { intake: {} as Parameters<typeof buildApp>[1]['intake'] })
  const answer = await app.inject({ method: 'GET', url: '/openapi.json' })
  const document: { paths: Record<string, Record<string, unknown>> } = JSON.parse(answer.body)
  routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), segments: segmentsOf(path) })),
  )
  for (const path of ['/openapi.json', '/docs']) routes.push({ method: 'GET', segments: segmentsOf(path) })
  await app.close()
})

const segmentsOf = (path: string): string[] =>
  (path.split('?')[0] ?? '').split('/').filter((segment) => segment !== '')

/** Stands for what the program fills in. */
const FILLED_IN = '*'

const exists = (method: string, path: string): boolean => {
  const asked = segmentsOf(path)
  return routes.some(
    (route) =>
      route.method === method &&
      route.segments.length === asked.length &&
      route.segments.every(
        (segment, index) =>
          segment.startsWith('{') || segment === asked[index] || asked[index]?.includes(FILLED_IN) === true,
      ),
  )
}

const NAMED_ROUTE = /\b(GET|POST|PATCH|DELETE|PUT) (\/[^\s`"'),;]*[^\s`"'),;.:])/g

test('every route that the docs name exists', () => {
  const missing = docPaths().flatMap((page) =>
    [...readDoc(page).matchAll(NAMED_ROUTE)]
      .filter(([, method = '', path = '']) => !exists(method, path))
      .map(([named]) => `${page}: ${named}`),
  )
  expect(missing).toEqual([])
})

test('every route that an answer tells people to call exists', () => {
  const root = new URL('../../src/', import.meta.url)
  const missing = readdirSync(root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      [
        ...readFileSync(new URL(name, root), 'utf8')
          .replace(/\$\{[^}]*\}/g, FILLED_IN)
          .matchAll(NAMED_ROUTE),
      ]
        .filter(([, method = '', path = '']) => path.startsWith('/v1') && !exists(method, path))
        .map(([named]) => `${name}: ${named}`),
    )
  expect(missing).toEqual([])
})

test('every curl line of the docs calls a route that exists', () => {
  const missing = docPaths().flatMap((page) =>
    [...readDoc(page).matchAll(/https?:\/\/(?:localhost|127\.0\.0\.1):8080(\/[^\s'"`]*)/g)]
      .filter(([, path = '']) => !['GET', 'POST', 'PATCH', 'DELETE'].some((method) => exists(method, path)))
      .map(([called]) => `${page}: ${called}`),
  )
  expect(missing).toEqual([])
})

test('every file that the docs name exists, and every link leads somewhere', () => {
  const missing = docPaths().flatMap((page) => {
    const text = readDoc(page)
    const folder = page.includes('/') ? page.slice(0, page.lastIndexOf('/') + 1) : ''
    const named = [
      ...text.matchAll(/`((?:src|config|test|docs|workers|migrations|scripts|bin)\/[\w./-]*)`/g),
    ].map(([, path = '']) => path)
    const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => folder + path)
    return [...named, ...linked].filter((path) => !existsInTree(path)).map((path) => `${page}: ${path}`)
  })
  expect(missing).toEqual([])
})

test('every npm script that the docs name exists', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readDoc('package.json'))
  const named = docPaths().flatMap((page) =>
    [
      ...readDoc(page).matchAll(
        /npm (?:run )?(start|test|demo|bench|[a-z]+:[a-z]+|typecheck|lint|migrate)\b/g,
      ),
    ].map(([, name = '']) => name),
  )
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
})
