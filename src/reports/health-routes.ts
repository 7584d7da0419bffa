import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Context } from '../context.ts'
import { checkReadiness } from './check-readiness.ts'
import { Liveness, Readiness } from './health-schema.ts'
import { createMetricsPage } from './read-metrics.ts'

/** GET /livez, /readyz (also HEAD, as monitors ask) and /metrics: without a key, and without data of partners in the answers. */
export const healthRoutes =
  (ctx: Pick<Context, 'db' | 'queues' | 'log' | 'metrics' | 'clock'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    const metricsPage = createMetricsPage(ctx)

    app.get(
      '/livez',
      {
        exposeHeadRoute: true,
        schema: { tags: ['health'], summary: 'Is the process alive?', response: { 200: Liveness } },
      },
      () => ({ status: 'ok' as const }),
    )

    app.get(
      '/readyz',
      {
        exposeHeadRoute: true,
        schema: {
          tags: ['health'],
          summary: 'Would a conversion be accepted now?',
          response: { 200: Readiness, 503: Readiness },
        },
      },
      async (_req, reply) => {
        const readiness = await checkReadiness(ctx)
        if (!readiness.ready) reply.code(503).header('retry-after', '1')
        return readiness
      },
    )

    app.get(
      '/metrics',
      {
        schema: {
          tags: ['health'],
          summary: 'Counters and gauges in the text format of Prometheus',
          response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
        },
      },
      async (_req, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsPage()),
    )
  }
