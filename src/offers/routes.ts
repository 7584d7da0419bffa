import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { archive } from '../catalogue/archive.ts'
import { assertFound } from '../catalogue/open-row.ts'
import { resolveFilter, resolvePath } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { addNounRoutes } from '../http/noun-routes.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import type { Uuid } from '../kit/ids.ts'
import { NewOffer, Offer, OfferPatch, OfferQuery, type OfferWire, toWire } from './schema.ts'
import { findOffer, listOffers } from './store.ts'
import { changeOffer, createOffer } from './write-offer.ts'

/** /offers, registered under /v1. */
export const offerRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    const resolve = (id: string): Promise<Uuid> => resolvePath(ctx, 'offer', id)
    const read = async (id: Uuid): Promise<OfferWire> =>
      toWire(assertFound(await findOffer(ctx.db.reads, id)))

    addNounRoutes(app, {
      name: 'offers',
      schemas: { create: NewOffer, patch: OfferPatch, query: OfferQuery, resource: Offer },
      create: async (body) => read(await createOffer(ctx, body)),
      list: async (query) => {
        const page = { ...readPageRequest(query), archived: query.archived ?? false }
        const advertiserId = await resolveFilter(ctx, {
          noun: 'advertiser',
          field: 'advertiser_id',
          text: query.advertiser_id,
        })
        return toPage(await listOffers(ctx.db.reads, { ...page, advertiserId }), page.limit, toWire)
      },
      read: async (idText) => read(await resolve(idText)),
      update: async (idText, patch) => {
        const id = await resolve(idText)
        await changeOffer(ctx, id, patch)
        return read(id)
      },
      archive: async (idText) => {
        const id = await resolve(idText)
        await archive(ctx, 'offer', id)
        return read(id)
      },
    })
  }
