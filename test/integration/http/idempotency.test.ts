import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { honourIdempotencyKeys } from '../../../src/http/idempotency.ts'
import type { Server } from '../../../src/http/server.ts'
import { buildServer } from '../../../src/http/server.ts'
import { AppError } from '../../../src/kit/app-error.ts'
import { type ControlApi, startControlApi } from '../../support/control-api.ts'

let api: ControlApi
let server: Server
let runs = 0
let handle: () => Promise<object>
beforeAll(async () => {
  api = await startControlApi()
  server = buildServer(api.ctx)
  server.decorateRequest('principal', null)
  honourIdempotencyKeys(server, api.ctx)
  server.post('/v1/replays', async (_req, reply) => reply.code(202).send(await handle()))
  server.post('/v1/other', async (_req, reply) => reply.code(202).send(await handle()))
  await server.ready()
})
beforeEach(() => {
  runs = 0
  handle = async () => ({ run: ++runs })
})
afterAll(async () => {
  await server.close()
  await api.close()
})

const post = (key: string | null, payload: object, url = '/v1/replays') =>
  server.inject({ method: 'POST', url, payload, headers: key === null ? {} : { 'idempotency-key': key } })

test('the same request under the same key runs once and gets the same answer', async () => {
  const first = await post('a', { x: 1 })
  const second = await post('a', { x: 1 })
  expect([first.statusCode, second.statusCode, runs]).toEqual([202, 202, 1])
  expect(second.json()).toEqual(first.json())
  expect(second.headers['idempotent-replayed']).toBe('true')
})

test('another request under the same key is refused', async () => {
  await post('b', { x: 1 })
  const answer = await post('b', { x: 2 })
  expect([answer.statusCode, answer.json().error.code, runs]).toEqual([409, 'idempotency_key_reused', 1])
})

test('two at the same time run once', async () => {
  let release = (): void => undefined
  const started = new Promise<void>((resolve) => {
    handle = () => {
      runs++
      resolve()
      return new Promise((done) => {
        release = () => done({})
      })
    }
  })
  const first = post('c', {})
  await started
  const second = await post('c', {})
  release()
  expect([(await first).statusCode, second.statusCode, runs]).toEqual([202, 409, 1])
})

test('a refused request can be sent again under its key', async () => {
  handle = async () => {
    runs++
    throw new AppError('newer_revision')
  }
  expect((await post('d', {})).statusCode).toBe(409)
  handle = async () => ({ run: ++runs })
  expect((await post('d', {})).json()).toEqual({ run: 2 })
})

test('without a key, and on other routes, every request runs', async () => {
  await post(null, {})
  await post(null, {})
  await post('e', {}, '/v1/other')
  await post('e', {}, '/v1/other')
  expect(runs).toBe(4)
})

test('what was done is answered, and not done again, where its answer can not be kept', async () => {
  handle = async () => {
    await api.ctx.db.reads.query({ text: 'alter table idempotency_keys rename column answer to lost' })
    return { run: ++runs }
  }
  const first = await post('f', {})
  await api.ctx.db.reads.query({ text: 'alter table idempotency_keys rename column lost to answer' })
  expect([first.statusCode, first.json()]).toEqual([202, { run: 1 }])
  expect([(await post('f', {})).statusCode, runs]).toEqual([409, 1])
})

test.each(['', 'x'.repeat(256)])('a key that is empty or too long is named', async (key) => {
  expect((await post(key, {})).json().error).toMatchObject({
    code: 'invalid_field',
    field: 'Idempotency-Key',
  })
})
