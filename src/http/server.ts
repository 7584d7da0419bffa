import { randomUUID } from 'node:crypto'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Context } from '../context.ts'
import { AppError } from '../kit/app-error.ts'
import { answerClientError } from './client-error.ts'
import { answerError, refuseUnknownRoutes } from './error-handler.ts'
import { readJsonBody } from './json-body.ts'
import { logRequests } from './request-log.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { readUnescapedUrl } from './unescaped-url.ts'
import { toValidationError } from './validation-error.ts'

export type Server = FastifyInstance

const BODY_BYTES_MAX = 1024 * 1024
/** Body limit of routes that take `data` lists. */
export const LIST_BODY_BYTES_MAX = 8 * 1024 * 1024
/** URL and headers together; node:http refuses more before a request exists. */
const HEAD_BYTES_MAX = 16 * 1024
/** A client that is slower than this to send its request is cut off with 408. */
const REQUEST_TIMEOUT_MS = 30_000
/** How often slow clients are looked for; node:http's own 30 s would make the limit twice as long. */
const SLOW_CLIENTS_CHECK_MS = 1000
const KEEP_ALIVE_MS = 72_000

/** An HTTP server without routes: limits, the one error shape, request ids, one log line per request. */
export function buildServer(ctx: Pick<Context, 'config' | 'log'>): Server {
  const { trustedProxies } = ctx.config
  const server = fastify({
    // node:http would refuse a missing Host itself, in another shape.
    http: {
      maxHeaderSize: HEAD_BYTES_MAX,
      requireHostHeader: false,
      connectionsCheckingInterval: SLOW_CLIENTS_CHECK_MS,
    },
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    exposeHeadRoutes: false,
    // A request on a kept connection that arrives while the server closes is still served, and the connection ended.
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    loggerInstance: ctx.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // The line of each request names its id itself.
    childLoggerFactory: (log) => log,
    routerOptions: {
      maxParamLength: HEAD_BYTES_MAX,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
    },
    clientErrorHandler(error, socket) {
      if (!readUnescapedUrl(server.server, error, socket)) answerClientError(error, socket)
    },
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
    schemaErrorFormatter: toValidationError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  server.setValidatorCompiler(TypeBoxValidatorCompiler)
  // Answers are built by toWire functions; the response schemas are for the OpenAPI document.
  server.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJsonBody)
  addSecurityHeaders(server)
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    const isMissing = raw.httpVersion === '1.1' && raw.headers.host === undefined
    done(isMissing ? new AppError('malformed', { field: 'Host', fix: 'Send a Host header.' }) : undefined)
  })
  server.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    const forwarded = headers['x-forwarded-for']
    if (typeof forwarded === 'string') headers['x-forwarded-for'] = withoutPorts(forwarded)
    done()
  })
  logRequests(server)
  refuseUnknownRoutes(server)
  server.setErrorHandler(answerError)
  return server as unknown as Server
}

/** Some gateways write the caller's port behind its address, which then fits no list of addresses. */
const withoutPorts = (addresses: string): string =>
  addresses
    .split(',')
    .map((one) => one.trim().replace(/^(\d+\.\d+\.\d+\.\d+):\d+$|^\[(.+)\](?::\d+)?$/, '$1$2'))
    .join(', ')
