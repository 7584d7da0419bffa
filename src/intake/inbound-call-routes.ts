import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifySchema } from 'fastify'
import type { Context } from '../context.ts'
import { IdParams } from '../http/wire.ts'
import { decodeId, type Uuid } from '../kit/ids.ts'
import { statusOf, toWireResult } from './call-answer.ts'
import { findInboundCalls } from './find-inbound-calls.ts'
import { InboundCallPage, InboundCallWithRequest, InboundQuery, toWireWithRequest } from './inbound-schema.ts'
import { findInboundCall } from './inbound-store.ts'
import type { Intake } from './intake.ts'
import { Parked, Stored } from './postback-schema.ts'
import { noSuchCall, reprocessCall } from './reprocess-call.ts'

const tags = ['inbound calls']

/** Not typed by its schemas: a refusal of the call is answered too. */
const RESULTS: FastifySchema['response'] = { 200: Stored, 202: Parked }

/** /inbound-calls, registered under /v1. */
export const inboundCallRoutes =
  (ctx: Context, parts: { intake: Intake }): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/inbound-calls',
      {
        schema: {
          tags,
          summary: 'What advertisers called, newest first',
          querystring: InboundQuery,
          response: { 200: InboundCallPage },
        },
      },
      (req) => findInboundCalls(ctx, req.query),
    )

    app.get(
      '/inbound-calls/:id',
      {
        schema: {
          tags,
          summary: 'One call with its raw request',
          params: IdParams,
          response: { 200: InboundCallWithRequest },
        },
      },
      async (req) => {
        const found = await findInboundCall(ctx.db.reads, callId(req.params.id))
        if (found === null) throw noSuchCall()
        return toWireWithRequest(found.call, found.raw)
      },
    )

    app.post(
      '/inbound-calls/:id/reprocess',
      {
        schema: {
          tags,
          summary: "Read a quarantined call again by today's rules",
          params: IdParams,
          response: RESULTS,
        },
      },
      async (req, reply) => {
        const result = await reprocessCall(ctx, parts, callId(req.params.id))
        if ('refused' in result) req.failure = result.refused.code
        return reply.code(statusOf(result)).send(toWireResult(result, req.id))
      },
    )
  }

function callId(text: string): Uuid {
  const id = decodeId('inboundCall', text)
  if (id === null) throw noSuchCall()
  return id
}
