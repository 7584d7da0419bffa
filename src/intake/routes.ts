import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import type { FailedAttempts } from '../http/failed-attempts.ts'
import { AppError } from '../kit/app-error.ts'
import { acceptCall, type CallParts, type PostbackCall } from './accept-call.ts'
import { answerStyle, type CallAnswer, toCallAnswer } from './call-answer.ts'
import { readCallOptions } from './call-options.ts'
import { type CollectedBody, collectBody } from './collect-body.ts'
import { createFindAdvertiser } from './find-advertiser.ts'
import type { Intake } from './intake.ts'
import { POSTBACK_SCHEMA, POSTBACK_TOKEN_SCHEMA } from './postback-schema.ts'

const BODY_BYTES_MAX = 1024 * 1024

type Parts = { intake: Intake; failedAttempts: FailedAttempts }

/** GET and POST /postback/:token and /postback?token=: what advertisers call. Any content type is taken. */
export const postbackRoutes =
  (ctx: Context, parts: Parts) =>
  async (app: FastifyInstance): Promise<void> => {
    const callParts = { ...parts, findAdvertiser: createFindAdvertiser(ctx) }
    const declaredTypes = new WeakMap<object, string>()
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', async (_request: FastifyRequest, payload: AsyncIterable<Buffer>) =>
      collectBody(payload, BODY_BYTES_MAX),
    )
    // Fastify answers 415 to a content type that it can not parse, before any parser is asked.
    app.addHook('onRequest', ({ raw }, _reply, done) => {
      const declared = raw.headers['content-type']
      if (declared !== undefined) {
        declaredTypes.set(raw, declared)
        raw.headers['content-type'] = 'application/octet-stream'
      }
      done()
    })
    const handle = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      answerPostback(ctx, callParts, { request, reply, contentType: declaredTypes.get(request.raw) ?? null })
    // The schemas are for the OpenAPI document: reading the parameters is this folder's business.
    const route = { method: ['GET', 'POST'], validatorCompiler: () => () => true, handler: handle }
    app.route({ ...route, url: '/postback/:token', schema: POSTBACK_TOKEN_SCHEMA })
    app.route({ ...route, url: '/postback', schema: POSTBACK_SCHEMA })
  }

type Exchange = { request: FastifyRequest; reply: FastifyReply; contentType: string | null }

async function answerPostback(
  ctx: Context,
  parts: CallParts,
  { request, reply, contentType }: Exchange,
): Promise<FastifyReply> {
  const { call, isText } = toPostbackCall(request, contentType)
  try {
    const { result, advertiser } = await acceptCall(ctx, parts, call)
    if ('refused' in result) noteFailure(request, result.refused)
    return send(reply, toCallAnswer(result, answerStyle(isText, advertiser), request.id))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    noteFailure(request, error)
    return send(
      reply,
      toCallAnswer({ refused: error, callId: null }, answerStyle(isText, undefined), request.id),
    )
  }
}

/** For the request's line in the log. */
function noteFailure(request: FastifyRequest, error: AppError): void {
  request.failure = error.status >= 500 ? error : error.code
}

function toPostbackCall(
  request: FastifyRequest,
  contentType: string | null,
): { call: PostbackCall; isText: boolean } {
  const { url = '', headers, method = 'GET' } = request.raw
  const queryAt = url.indexOf('?')
  const query = queryAt === -1 ? '' : url.slice(queryAt + 1)
  const options = readCallOptions(query)
  const { token: pathToken } = request.params as { token?: string }
  const collected = request.body as CollectedBody | undefined
  const signature = headers['x-signature']
  const call = {
    method,
    url,
    query,
    contentType,
    headers: contentType === null ? headers : { ...headers, 'content-type': contentType },
    body: collected?.bytes ?? null,
    isWhole: collected?.isWhole ?? true,
    token: pathToken ?? options.token,
    signature: Array.isArray(signature) ? signature.join(',') : signature,
    remoteIp: request.ip,
    isDryRun: options.isDryRun,
  }
  return { call, isText: options.isText }
}

function send(reply: FastifyReply, { status, contentType, payload, retryAfterS }: CallAnswer): FastifyReply {
  if (retryAfterS !== null) reply.header('retry-after', String(retryAfterS))
  return reply.code(status).type(contentType).send(payload)
}
