import swagger from '@fastify/swagger'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
} from 'fastify'
import { Type } from 'typebox'
import { AppError } from '../kit/app-error.ts'
import { takesIdempotencyKey } from './idempotency.ts'
import { ErrorObject } from './wire.ts'

/** What every route answers that it does not do what it was asked. */
const REFUSAL = Type.Object({ error: ErrorObject }, { description: 'Refused, or failed' })

const IDEMPOTENCY = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.String({ maxLength: 255, description: 'the same request under the same key is done once' }),
  ),
})

/** The OpenAPI document, made from the routes' schemas, at /openapi.json. Register before the routes. */
export async function serveOpenApi(server: FastifyInstance, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Postback relay',
        version,
        description: 'Conversions in, postbacks to every tracker out, every attempt on record.',
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url, route }) => ({
      schema: {
        ...withCommonParts(schema ?? {}, url),
        ...(takesIdempotencyKey(route.method, url) && { headers: IDEMPOTENCY }),
      },
      url,
    }),
  })
  server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger())
}

/** Adds what holds for all routes: how they refuse, and that those under /v1 need a key. */
function withCommonParts(schema: FastifySchema, url: string): FastifySchema {
  const responses = (schema.response ?? {}) as Record<string, unknown>
  return {
    ...schema,
    security: url.startsWith('/v1/') ? [{ key: [] }] : [],
    response: { ...responses, default: REFUSAL },
  }
}

/** The page may load what this server gives it, and nothing from elsewhere. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
  "frame-ancestors 'none'",
].join('; ')

/** The API's pages at /docs. Their 5 MB of script are loaded when somebody first asks for them. */
export function serveDocs(server: FastifyInstance): void {
  let pages: Promise<FastifyInstance> | null = null
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const path = request.url.split('?', 1)[0]
    // The page's own links are relative to /docs/.
    if (path === '/docs') return reply.redirect('/docs/', 301)
    pages ??= buildPages()
    const answer = await (await pages).inject({ method: 'GET', url: request.url })
    if (answer.statusCode !== 200) throw new AppError('not_found', { fix: 'The pages are at /docs.' })
    return reply
      .header('content-security-policy', PAGE_POLICY)
      .type(String(answer.headers['content-type']))
      .send(answer.rawPayload)
  }
  for (const url of ['/docs', '/docs/*']) server.get(url, { schema: { hide: true } }, show)
}

async function buildPages(): Promise<FastifyInstance> {
  const { default: reference } = await import('@scalar/fastify-api-reference')
  const pages = fastify()
  await pages.register(reference, {
    routePrefix: '/docs',
    configuration: {
      url: '../openapi.json',
      pageTitle: 'Postback relay API',
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
    },
  })
  await pages.ready()
  return pages
}
