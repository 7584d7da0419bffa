import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { traceId } from './trace-id.ts'
import { TraceAnswer, TraceQuery, toTraceWire } from './trace-schema.ts'

/** GET /trace, registered under /v1: "the tracker doesn't show it", answered for any id. */
export const traceRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/trace',
      {
        schema: {
          tags: ['deliveries'],
          summary: 'What became of anything that has this id, and what to do',
          querystring: TraceQuery,
          response: { 200: TraceAnswer },
        },
      },
      async (req) => toTraceWire(await traceId(ctx, req.query.id.trim())),
    )
  }
