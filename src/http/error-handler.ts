import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isUnavailable } from '../db/database.ts'
import { AppError } from '../kit/app-error.ts'
import type { ErrorCodeName } from '../kit/error-codes.ts'
import { createRouteTable } from './route-table.ts'

/** What Fastify itself refuses, by its error code. */
const FRAMEWORK_CODES: Readonly<Record<string, ErrorCodeName>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed',
  FST_ERR_BAD_URL: 'malformed',
  FST_ERR_MAX_PARAM_LENGTH: 'field_too_long',
  FST_ERR_NOT_FOUND: 'not_found',
}

/** The one place where an error becomes an answer. What is neither an AppError nor known of Fastify says nothing about itself. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = toRefusal(error)
  request.failure = refusal.status >= 500 ? error : refusal.code
  if (refusal.retryAfterS !== undefined) reply.header('retry-after', String(refusal.retryAfterS))
  reply
    .code(refusal.status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ error: refusal.toWire(request.id) }))
}

function toRefusal(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (isUnavailable(error)) return new AppError('store_unavailable', { cause: error })
  const code = FRAMEWORK_CODES[(error as Partial<FastifyError> | null)?.code ?? '']
  if (code !== undefined) return new AppError(code, { cause: error })
  const status = (error as Partial<FastifyError> | null)?.statusCode ?? 500
  return new AppError(status >= 400 && status < 500 ? 'malformed' : 'internal_error', { cause: error })
}

/** 404 for addresses that do not exist, 405 with Allow for those that take another method. */
export function refuseUnknownRoutes(server: Pick<FastifyInstance, 'addHook' | 'setNotFoundHandler'>): void {
  const routes = createRouteTable()
  server.addHook('onRoute', (route) => routes.add(route.method, route.url))
  server.setNotFoundHandler((request, reply) => {
    const allowed = routes.methodsOf(request.url)
    if (allowed.length === 0)
      throw new AppError('not_found', { fix: 'See /docs for the addresses there are.' })
    reply.header('allow', allowed.join(', '))
    throw new AppError('method_not_allowed', { fix: `Use ${allowed.join(' or ')}.` })
  })
}
