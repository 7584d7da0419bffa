import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'

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
  })
  server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger())
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
export async function serveDocs(server: FastifyInstance): Promise<void> {
  let pages: Promise<FastifyInstance> | null = null
  await server.register(async (app) => {
    app.get('/docs', { schema: { hide: true } }, (_request, reply) => reply.redirect('docs/', 301))
    app.get('/docs/*', { schema: { hide: true } }, async (request, reply) => {
      pages ??= buildPages()
      const answer = await (await pages).inject({ method: 'GET', url: request.url })
      if (answer.statusCode !== 200) return reply.callNotFound()
      return reply
        .header('content-security-policy', PAGE_POLICY)
        .type(String(answer.headers['content-type']))
        .send(answer.rawPayload)
    })
  })
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
