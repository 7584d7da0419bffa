import { expect, test } from 'vitest'
import { loadConfig } from '../../../config/load.ts'
import { summarizeConfig } from '../../../config/summary.ts'
import { createLog } from '../../../src/kit/log.ts'

function logLines(write: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  write(createLog({ logLevel: 'info', role: 'all' }, { write: (line) => lines.push(line) }))
  return lines.map((line) => JSON.parse(line))
}

const SECRET = 'hunter2-hunter2'

test.each([
  ['a field', { token: SECRET }],
  ['another spelling', { 'X-Signature': SECRET, admin_key: SECRET, databaseUrl: SECRET }],
  ['a nested field', { destination: { headers: { authorization: SECRET } } }],
  ['a list', { calls: [{ body: SECRET }, { url: SECRET }] }],
  ["a visitor's data", { click: { ip: SECRET, user_agent: SECRET } }],
  ['credentials of a URL in a text', { problem: `cannot reach postgres://relay:${SECRET}@db:5432/relay` }],
  ['a postback token in a text', { problem: `GET /postback/${SECRET}?clickid=1 failed` }],
  ['a token parameter in a text', { problem: `GET /postback?clickid=1&token=${SECRET} failed` }],
  ['the message of an error', { err: new Error(`redis://:${SECRET}@cache refused`) }],
  ['the cause of an error', { err: new Error('no store', { cause: new Error(`postgres://a:${SECRET}@b`) }) }],
  ["Postgres' detail of a row", { err: Object.assign(new Error('duplicate'), { detail: SECRET }) }],
])('the log never shows a secret in %s', (_place, fields) => {
  const lines = logLines((log) => log.warn(fields, 'something'))
  expect(lines).toHaveLength(1)
  expect(JSON.stringify(lines)).not.toContain(SECRET)
  expect(JSON.stringify(lines)).toContain('something')
})

test('an error logged on its own is masked, message included', () => {
  const lines = logLines((log) => log.error(new Error(`connect postgres://relay:${SECRET}@db`)))
  expect(JSON.stringify(lines)).not.toContain(SECRET)
  expect(lines[0]?.msg).toContain('connect postgres://[masked]@db')
})

test('bindings of a child are masked', () => {
  expect(JSON.stringify(logLines((log) => log.child({ token: SECRET }).info('x')))).not.toContain(SECRET)
})

test('what a person needs to find a delivery stays readable', () => {
  const [line] = logLines((log) =>
    log.info({ delivery_id: 'dlv_1', http_status: 500, ms: 12, at: new Date(0), key_id: 'key_1' }, 'attempt'),
  )
  expect(line).toMatchObject({
    level: 'info',
    delivery_id: 'dlv_1',
    http_status: 500,
    at: '1970-01-01T00:00:00.000Z',
    key_id: 'key_1',
  })
})

test('of a secret setting it says whether it is set', () => {
  const settings = summarizeConfig(loadConfig({ DATABASE_URL: `postgres://relay:${SECRET}@db/relay` }))
  const [line] = logLines((log) => log.info({ settings }, 'starting'))
  expect(line?.settings).toMatchObject({ DATABASE_URL: '[masked]', REDIS_URL: null, ADMIN_KEY: null })
})

test('masking two URLs of one line leaves valid JSON', () => {
  const [line] = logLines((log) => log.info({ a: 'https://one', b: 'me@example.com' }, 'x'))
  expect(line).toMatchObject({ a: 'https://one', b: 'me@example.com' })
})
