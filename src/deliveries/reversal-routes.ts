import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { resolvePath } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { PAGE_QUERY } from '../http/pagination.ts'
import { IdParams, Strict } from '../http/wire.ts'
import { exportReversals } from './export-reversals.ts'

const Span = Strict({ from: PAGE_QUERY.from, to: PAGE_QUERY.to })

/** GET /destinations/:id/reversals.csv, registered under /v1. */
export const reversalRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/destinations/:id/reversals.csv',
      {
        schema: {
          tags: ['destinations'],
          summary: "Rejected conversions as the tracker's own conversion upload",
          description:
            'For trackers that take nothing back by postback but have an upload (Voluum): conversions that the tracker ' +
            'was told, that are rejected now, and whose rejection was skipped as tracker_cannot_reverse in the span ' +
            '(from and to; all time without them). Conversions told without an amount are left out.',
          params: IdParams,
          querystring: Span,
          response: { 200: Type.String({ description: 'text/csv' }) },
        },
      },
      async (req, reply) => {
        const destinationId = await resolvePath(ctx, 'destination', req.params.id)
        const csv = await exportReversals(ctx, { ...req.query, destinationId })
        return reply.type('text/csv; charset=utf-8').send(csv)
      },
    )
  }
