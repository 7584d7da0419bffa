import type { FastifyRequest } from 'fastify'

/** preValidation of a route whose body may be left out: no body is an empty object. */
export async function optionalBody(request: FastifyRequest): Promise<void> {
  request.body ??= {}
}
