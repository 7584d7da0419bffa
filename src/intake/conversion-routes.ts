import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { LIST_BODY_BYTES_MAX } from '../http/server.ts'
import { AppError } from '../kit/app-error.ts'
import { acceptConversions, type ConversionSource, explainConversion } from './accept-conversions.ts'
import { statusOf, toWireResult } from './call-answer.ts'
import { readCallOptions } from './call-options.ts'
import { CONVERSIONS_SCHEMA } from './conversion-schema.ts'
import type { Intake } from './intake.ts'
import { isJsonObject, isTooDeep, type JsonObject, parseExactJson } from './json-body.ts'
import { toRawCall } from './raw-call.ts'
import { CONVERSIONS_PATH } from './read-stored-call.ts'

const SINGLE_BODY_BYTES_MAX = 1024 * 1024
const CONVERSIONS_MAX = 1000

/** POST /conversions, registered under /v1: conversions that the network itself reports. */
export const conversionReportRoutes =
  (ctx: Context, parts: { intake: Intake }) =>
  async (app: FastifyInstance): Promise<void> => {
    // Numbers keep their digits here, which the server's own parser does not do.
    app.removeContentTypeParser('application/json')
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, bytes, done) =>
      done(null, bytes),
    )
    app.post(
      '/conversions',
      {
        schema: CONVERSIONS_SCHEMA,
        validatorCompiler: () => () => true,
        bodyLimit: LIST_BODY_BYTES_MAX,
        config: { checksOwnText: true },
      },
      async (request, reply) => answer(ctx, parts, { request, reply }),
    )
  }

type Exchange = { request: FastifyRequest; reply: FastifyReply }

async function answer(
  ctx: Context,
  parts: { intake: Intake },
  { request, reply }: Exchange,
): Promise<FastifyReply> {
  const body = readBody(request.body)
  const isDry = isDryRun(request)
  const source = describe(request)
  if (body.data !== undefined) {
    if (isDry) throw dryList()
    const conversions = readList(body.data).map((one) => withDefault(one, body.advertiser_id))
    const results = await acceptConversions(ctx, parts, { conversions, source })
    return reply.send({ results: results.map((result) => toWireResult(result, request.id)) })
  }
  const [result] = isDry
    ? [await explainConversion(ctx, parts, body)]
    : await acceptConversions(ctx, parts, { conversions: [body], source })
  if (result === undefined) throw new AppError('internal_error')
  if ('refused' in result) request.failure = result.refused.code
  return reply.code(statusOf(result)).send(toWireResult(result, request.id))
}

const isDryRun = ({ raw: { url = '' } }: FastifyRequest): boolean =>
  readCallOptions(url.slice(url.indexOf('?') + 1)).isDryRun

const dryList = (): AppError =>
  new AppError('not_available', {
    field: 'dry_run',
    message: 'A list can not be tried out.',
    fix: 'Send its conversions one by one, or leave dry_run out.',
  })

function readBody(bytes: unknown): JsonObject {
  if (!Buffer.isBuffer(bytes)) throw malformed()
  if (!isUtf8(bytes))
    throw new AppError('invalid_encoding', {
      message: 'The body is not valid UTF-8.',
      fix: 'Encode the body as UTF-8.',
    })
  const value = tryParse(bytes)
  if (!isJsonObject(value) || isTooDeep(value)) throw malformed()
  if (value.data === undefined && bytes.length > SINGLE_BODY_BYTES_MAX) throw new AppError('body_too_large')
  return value
}

function tryParse(bytes: Buffer): unknown {
  try {
    return parseExactJson(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

const malformed = (): AppError =>
  new AppError('malformed', {
    message: 'The body is not a JSON object, or one that is nested too deep.',
    fix: 'Send {"advertiser_id":"...","click_id":"..."} or {"data":[...]}.',
  })

function readList(data: unknown): unknown[] {
  if (Array.isArray(data) && data.length <= CONVERSIONS_MAX) return data
  throw new AppError('invalid_field', {
    field: 'data',
    message: `data is not a list of at most ${CONVERSIONS_MAX} conversions.`,
    fix: `Send a list of at most ${CONVERSIONS_MAX}.`,
  })
}

/** A list may name its advertiser once, beside `data`. */
const withDefault = (conversion: unknown, advertiserId: unknown): unknown =>
  isJsonObject(conversion) && conversion.advertiser_id === undefined && advertiserId !== undefined
    ? { ...conversion, advertiser_id: advertiserId }
    : conversion

const describe = (request: FastifyRequest): ConversionSource => ({
  remoteIp: request.ip,
  toRaw: (conversion) =>
    toRawCall({
      method: 'POST',
      url: CONVERSIONS_PATH,
      headers: request.headers,
      body: Buffer.from(JSON.stringify(conversion)),
      isWhole: true,
      token: '',
    }),
})
