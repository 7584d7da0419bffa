import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { readSpan } from '../http/read-span.ts'
import { findAlerts } from './find-alerts.ts'
import { readLedger } from './read-ledger.ts'
import { AlertPage, AlertQuery, Ledger, LedgerQuery } from './schema.ts'

/** GET /ledger and /alerts, registered under /v1. */
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

    app.get(
      '/alerts',
      {
        schema: {
          tags: ['reports'],
          summary: 'What somebody should know of, newest first',
          querystring: AlertQuery,
          response: { 200: AlertPage },
        },
      },
      (req) => findAlerts(ctx, req.query),
    )
  }
