import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { IdParams } from '../http/wire.ts'
import { ConversionDetail, ConversionPage, ConversionQuery } from './conversion-schema.ts'
import { findConversions, readConversion } from './find-conversions.ts'
import { pathId } from './find-id.ts'

const tags = ['conversions']

/** GET /conversions and /conversions/:id, registered under /v1. */
export const conversionReadRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/conversions',
      {
        schema: {
          tags,
          summary: 'Search conversions, newest first',
          querystring: ConversionQuery,
          response: { 200: ConversionPage },
        },
      },
      (req) => findConversions(ctx, req.query),
    )

    app.get(
      '/conversions/:id',
      {
        schema: {
          tags,
          summary: 'One conversion: its revisions, and what each destination was to hear',
          params: IdParams,
          response: { 200: ConversionDetail },
        },
      },
      (req) => readConversion(ctx, pathId('conversion', req.params.id)),
    )
  }
