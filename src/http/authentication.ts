import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../accounts/principal.ts'
import { AppError } from '../kit/app-error.ts'
import type { FailedAttempts } from './failed-attempts.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling; null outside of /v1. */
    principal: Principal | null
  }
}

/** Scheme and key; the key's characters are those of newSecret and ADMIN_KEY. */
const BEARER = /^Bearer +([\x21-\x7e]{1,200})$/i

type Parts = {
  failedAttempts: FailedAttempts
  /** Who has this key; null: nobody. */
  findPrincipal(key: string): Promise<Principal | null>
}

/** Refuses every call of this scope that has no valid key: 401, and 429 once an address has failed too often. */
export function requireKey(app: Pick<FastifyInstance, 'addHook'>, parts: Parts): void {
  app.addHook('onRequest', async (request) => {
    const key = BEARER.exec(request.headers.authorization ?? '')?.[1]
    const principal = key === undefined ? null : await parts.findPrincipal(key)
    if (principal === null) throw refusal(request, parts.failedAttempts)
    request.principal = principal
  })
}

function refusal(request: FastifyRequest, failedAttempts: FailedAttempts): AppError {
  const retryAfterS = failedAttempts.record(request.ip)
  if (retryAfterS !== null) return new AppError('too_many_failures', { retryAfterS })
  return new AppError('unauthorized')
}

/** The caller of a route behind requireKey. Throws AppError `unauthorized` elsewhere. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new AppError('unauthorized')
  return request.principal
}
