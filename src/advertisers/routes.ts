import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { archive } from '../catalogue/archive.ts'
import { assertFound } from '../catalogue/open-row.ts'
import { resolvePath } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { addNounRoutes, ListQuery } from '../http/noun-routes.ts'
import { optionalBody } from '../http/optional-body.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { IdParams } from '../http/wire.ts'
import type { Uuid } from '../kit/ids.ts'
import {
  Advertiser,
  AdvertiserPatch,
  type AdvertiserWire,
  NewAdvertiser,
  RotateToken,
  readOverlapSeconds,
  toWire,
} from './schema.ts'
import { findAdvertiser, listAdvertisers } from './store.ts'
import { changeAdvertiser, createAdvertiser, rotateToken } from './write-advertiser.ts'

/** /advertisers, registered under /v1. */
export const advertiserRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue' | 'clock' | 'secrets'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    const resolve = (id: string): Promise<Uuid> => resolvePath(ctx, 'advertiser', id)
    const read = async (id: Uuid): Promise<AdvertiserWire> =>
      toWire(assertFound(await findAdvertiser(ctx.db.reads, id)))

    addNounRoutes(app, {
      name: 'advertisers',
      schemas: { create: NewAdvertiser, patch: AdvertiserPatch, query: ListQuery, resource: Advertiser },
      create: async (body) => {
        const { id, token } = await createAdvertiser(ctx, body)
        return { ...(await read(id)), token }
      },
      list: async (query) => {
        const page = { ...readPageRequest(query), archived: query.archived ?? false }
        return toPage(await listAdvertisers(ctx.db.reads, page), page.limit, toWire)
      },
      read: async (idText) => read(await resolve(idText)),
      update: async (idText, patch) => {
        const id = await resolve(idText)
        await changeAdvertiser(ctx, id, patch)
        return read(id)
      },
      archive: async (idText) => {
        const id = await resolve(idText)
        await archive(ctx, 'advertiser', id)
        return read(id)
      },
    })

    app.post(
      '/advertisers/:id/rotate-token',
      {
        preValidation: optionalBody,
        schema: {
          tags: ['advertisers'],
          summary: 'A new token; the old one goes on for overlap_seconds',
          params: IdParams,
          body: RotateToken,
          response: { 200: Advertiser },
        },
      },
      async (req) => {
        const id = await resolve(req.params.id)
        const token = await rotateToken(ctx, id, readOverlapSeconds(req.body))
        return { ...(await read(id)), token }
      },
    )
  }
