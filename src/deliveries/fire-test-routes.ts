import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Destination } from '../catalogue/catalogue.ts'
import { resolvePath } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { optionalBody } from '../http/optional-body.ts'
import { IdParams } from '../http/wire.ts'
import { AppError } from '../kit/app-error.ts'
import { fireTest } from './fire-test.ts'
import { PreviewAnswer, PreviewQuery, TestFire, TestFireBody } from './fire-test-schema.ts'
import { previewDestination } from './preview-destination.ts'

type Ctx = Pick<Context, 'db' | 'catalogue' | 'clock' | 'config' | 'secrets' | 'outbound'>
const tags = ['destinations']

/** /destinations/:id/test and /destinations/:id/preview, registered under /v1. */
export const fireTestRoutes =
  (ctx: Ctx): FastifyPluginAsyncTypebox =>
  async (app) => {
    const find = async (idText: string): Promise<Destination> => {
      const destination = ctx.catalogue.destination(await resolvePath(ctx, 'destination', idText))
      if (destination === undefined) throw new AppError('not_found')
      return destination
    }

    app.post(
      '/destinations/:id/test',
      {
        preValidation: optionalBody,
        schema: {
          tags,
          summary: 'Call it once, now, with a conversion marked as a test',
          params: IdParams,
          body: TestFireBody,
          response: { 200: TestFire },
        },
      },
      async (req) => fireTest(ctx, await find(req.params.id), req.body),
    )

    app.get(
      '/destinations/:id/preview',
      {
        schema: {
          tags,
          summary: 'What it would be sent, part by part, without sending it',
          params: IdParams,
          querystring: PreviewQuery,
          response: { 200: PreviewAnswer },
        },
      },
      async (req) => previewDestination(ctx, await find(req.params.id), req.query),
    )
  }
