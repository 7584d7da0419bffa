import { pino } from 'pino'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../config/load.ts'
import { buildServer } from '../../../src/http/server.ts'
import { AppError } from '../../../src/kit/app-error.ts'

async function lineOf(error: Error): Promise<Record<string, unknown>> {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const server = buildServer({ config: loadConfig({}), log })
  server.get('/', () => {
    throw error
  })
  await server.inject('/')
  await server.close()
  return lines.find((line) => line.msg === 'request') ?? {}
}

test('a refusal for lack of room is a short warning, since an overload brings thousands a second', async () => {
  const line = await lineOf(new AppError('overloaded'))
  expect(line).toMatchObject({ level: 40, status: 503, code: 'overloaded' })
  expect(JSON.stringify(line).length).toBeLessThan(400)
})

test('an outage is named by its reason, a bug by its stack', async () => {
  const outage = await lineOf(new AppError('store_unavailable', { cause: new Error('connect ECONNREFUSED') }))
  expect(outage).toMatchObject({ level: 40, code: 'store_unavailable', reason: 'connect ECONNREFUSED' })
  const bug = await lineOf(new TypeError('x is undefined'))
  expect(bug).toMatchObject({ level: 50, err: { stack: expect.stringContaining('request-log.test') } })
})
