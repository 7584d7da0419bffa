import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { readSpan } from '../http/read-span.ts'
import { readLedger } from './read-ledger.ts'
import { Ledger, LedgerQuery } from './schema.ts'

/** GET /ledger, registered under /v1. */
export const reportRoutes =
  (ctx: Pick<Context, 'db' | 'clock'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/ledger',
      {
        schema: {
          tags: ['reports'],
          summary: 'Does everything that was accepted have its place?',
          querystring: LedgerQuery,
          response: { 200: Ledger },
        },
      },
      (req) => readLedger(ctx, { ...readSpan(req.query), explain: req.query.explain ?? false }),
    )
  }
