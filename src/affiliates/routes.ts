import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { archive } from '../catalogue/archive.ts'
import { assertFound } from '../catalogue/open-row.ts'
import { resolvePath } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { addNounRoutes, ListQuery } from '../http/noun-routes.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import type { Uuid } from '../kit/ids.ts'
import { Affiliate, AffiliatePatch, type AffiliateWire, NewAffiliate, toWire } from './schema.ts'
import { findAffiliate, listAffiliates } from './store.ts'
import { changeAffiliate, createAffiliate } from './write-affiliate.ts'

/** /affiliates, registered under /v1. */
export const affiliateRoutes =
  (ctx: Pick<Context, 'db' | 'catalogue' | 'clock'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    const resolve = (id: string): Promise<Uuid> => resolvePath(ctx, 'affiliate', id)
    const read = async (id: Uuid): Promise<AffiliateWire> =>
      toWire(assertFound(await findAffiliate(ctx.db.reads, id)))

    addNounRoutes(app, {
      name: 'affiliates',
      schemas: { create: NewAffiliate, patch: AffiliatePatch, query: ListQuery, resource: Affiliate },
      create: async (body) => read(await createAffiliate(ctx, body)),
      list: async (query) => {
        const page = { ...readPageRequest(query), archived: query.archived ?? false }
        return toPage(await listAffiliates(ctx.db.reads, page), page.limit, toWire)
      },
      read: async (idText) => read(await resolve(idText)),
      update: async (idText, patch) => {
        const id = await resolve(idText)
        await changeAffiliate(ctx, id, patch)
        return read(id)
      },
      archive: async (idText) => {
        const id = await resolve(idText)
        await archive(ctx, 'affiliate', id)
        return read(id)
      },
    })
  }
