import type { FastifyInstance } from 'fastify'
import { AppError, toError } from '../kit/app-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the error handler: the code that was answered, or the error itself where it was ours. */
    failure: unknown
  }
}

/** One line per request: what was asked by its route pattern, who asked, how it ended. Never a URL, a query or a body. */
export function logRequests(server: Pick<FastifyInstance, 'addHook' | 'decorateRequest'>): void {
  server.decorateRequest('failure', null)
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    const { failure, principal } = request
    const line = {
      request_id: request.id,
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      ...(principal != null && { principal: principal.name }),
    }
    if (failure instanceof AppError && failure.status === 503)
      request.log.warn({ ...line, ...describeRefusal(failure) }, 'request')
    else if (reply.statusCode >= 500) request.log.error({ ...line, err: failure }, 'request')
    else request.log.info({ ...line, ...(failure != null && { code: failure }) }, 'request')
    done()
  })
}

/** Thousands a second in an overload or an outage, and no bug: a short line without a stack. */
function describeRefusal({ code, cause }: AppError): { code: string; reason?: string } {
  return cause === undefined ? { code } : { code, reason: toError(cause).message }
}
