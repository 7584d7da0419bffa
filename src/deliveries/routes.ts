import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { principalOf } from '../http/authentication.ts'
import { optionalBody } from '../http/optional-body.ts'
import { IdParams } from '../http/wire.ts'
import { findDeliveries, readDelivery } from './find-deliveries.ts'
import { pathId } from './find-id.ts'
import { replayDelivery } from './replay-delivery.ts'
import { DeliveryDetail, DeliveryPage, DeliveryQuery, Replay, ReplayBody } from './schema.ts'

const tags = ['deliveries']

/** /deliveries, registered under /v1. */
export const deliveryRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue' | 'clock' | 'config' | 'metrics'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/deliveries',
      {
        schema: {
          tags,
          summary: 'Search the delivery log, newest first',
          querystring: DeliveryQuery,
          response: { 200: DeliveryPage },
        },
      },
      (req) => findDeliveries(ctx, req.query),
    )

    app.get(
      '/deliveries/:id',
      {
        schema: {
          tags,
          summary: 'One delivery with its attempts',
          params: IdParams,
          response: { 200: DeliveryDetail },
        },
      },
      (req) => readDelivery(ctx, pathId('delivery', req.params.id)),
    )

    app.post(
      '/deliveries/:id/replay',
      {
        preValidation: optionalBody,
        schema: {
          tags,
          summary: 'Send it again',
          params: IdParams,
          body: ReplayBody,
          response: { 202: Replay },
        },
      },
      async (req, reply) => {
        const answer = await replayDelivery(ctx, {
          deliveryId: pathId('delivery', req.params.id),
          render: req.body.render ?? 'current',
          requestedBy: principalOf(req).name,
        })
        return reply.code(202).send(answer)
      },
    )
  }
