import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import {
  deleteIdempotencyKey,
  findIdempotencyKey,
  insertIdempotencyKey,
  updateIdempotencyAnswer,
} from './idempotency-store.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The Idempotency-Key that this request runs under and has to answer for. */
    idempotency: { route: string; key: string } | null
  }
}

/** Routes that do something once: asked again with the same Idempotency-Key they give the first answer. */
const ROUTES = new Set([
  '/v1/deliveries/:id/replay',
  '/v1/replays',
  '/v1/reconciliations',
  '/v1/destinations/:id/test',
])
export const takesIdempotencyKey = (method: string | readonly string[], url: string): boolean =>
  method === 'POST' && ROUTES.has(url)

const KEY = /^[\x20-\x7e]{1,255}$/

/** Honours Idempotency-Key in this scope. Refused requests (4xx, 5xx) leave no trace, so they can be sent again. */
export function honourIdempotencyKeys(app: FastifyInstance, ctx: Pick<Context, 'db'>): void {
  const db = ctx.db.reads
  app.decorateRequest('idempotency', null)

  app.addHook('preHandler', async (request, reply) => {
    const run = readRun(request)
    if (run === null) return
    const requestHash = hashRequest(request)
    if (await insertIdempotencyKey(db, { ...run, requestHash })) {
      request.idempotency = run
      return
    }
    const stored = await findIdempotencyKey(db, run)
    if (stored === null || stored.http_status === null || !stored.request_hash.equals(requestHash))
      throw new AppError('idempotency_key_reused', { field: 'Idempotency-Key' })
    return reply.code(stored.http_status).header('idempotent-replayed', 'true').send(stored.answer)
  })

  // What was done is answered in any case: an error in its place would be sent again, and done again.
  const keepAnswer = (
    answer: Parameters<typeof updateIdempotencyAnswer>[1],
    { log, id }: FastifyRequest,
  ): Promise<void> =>
    updateIdempotencyAnswer(db, answer).catch((err: unknown) =>
      log.warn({ err, request_id: id }, 'the answer to an Idempotency-Key could not be kept'),
    )

  app.addHook('onSend', async (request, reply, payload) => {
    const run = request.idempotency
    if (run === null) return payload
    if (reply.statusCode < 300 && typeof payload === 'string')
      await keepAnswer({ ...run, httpStatus: reply.statusCode, answer: payload }, request)
    else await deleteIdempotencyKey(db, run)
    return payload
  })
}

function readRun(request: FastifyRequest): { route: string; key: string } | null {
  const key = request.headers['idempotency-key']
  const route = request.routeOptions.url
  if (key === undefined || route === undefined || !takesIdempotencyKey(request.method, route)) return null
  if (typeof key === 'string' && KEY.test(key)) return { route, key }
  throw new AppError('invalid_field', {
    field: 'Idempotency-Key',
    message: 'Idempotency-Key is not 1 to 255 printable characters.',
    fix: 'Send a new random id, e.g. a UUID, per request.',
  })
}

const hashRequest = (request: FastifyRequest): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([request.params, request.body ?? null]))
    .digest()
