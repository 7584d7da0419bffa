import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { archive } from '../catalogue/archive.ts'
import { assertFound } from '../catalogue/open-row.ts'
import { resolveFilter, resolvePath } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { addNounRoutes } from '../http/noun-routes.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { IdParams } from '../http/wire.ts'
import type { Uuid } from '../kit/ids.ts'
import type { LookUp } from './check-host.ts'
import { toWire } from './destination-wire.ts'
import type { Finding } from './findings.ts'
import { findHealth } from './health-store.ts'
import { lookUpHost } from './look-up-host.ts'
import {
  DestinationAnswer,
  DestinationPatch,
  DestinationQuery,
  type DestinationWire,
  NewDestination,
} from './schema.ts'
import { findDestination, listDestinations } from './store.ts'
import {
  changeDestination,
  createDestination,
  findingsOf,
  findingsOfEach,
  setDestinationState,
} from './write-destination.ts'

type Needs = Pick<Context, 'config' | 'db' | 'catalogue' | 'clock' | 'secrets'>
const DAY_MS = 86_400_000

/** /destinations, registered under /v1. */
export const destinationRoutes =
  (ctx: Needs, lookUp: LookUp = lookUpHost): FastifyPluginAsyncTypebox =>
  async (app) => {
    const resolve = (id: string): Promise<Uuid> => resolvePath(ctx, 'destination', id)
    const read = async (id: Uuid, findings?: readonly Finding[]): Promise<DestinationWire> => {
      const row = assertFound(await findDestination(ctx.db.reads, id))
      const since = new Date(ctx.clock.nowMs() - DAY_MS)
      const health = await findHealth(ctx.db.reads, id, since)
      return toWire(row, { health, findings: findings ?? (await findingsOf(ctx, row)) })
    }

    addNounRoutes(app, {
      name: 'destinations',
      schemas: {
        create: NewDestination,
        patch: DestinationPatch,
        query: DestinationQuery,
        resource: DestinationAnswer,
      },
      create: async (body) => {
        const { id, findings } = await createDestination(ctx, body, lookUp)
        return read(id, findings)
      },
      list: async (query) => {
        const page = { ...readPageRequest(query), archived: query.archived ?? false }
        const affiliateId = await resolveFilter(ctx, {
          noun: 'affiliate',
          field: 'affiliate_id',
          text: query.affiliate_id,
        })
        const rows = await listDestinations(ctx.db.reads, {
          ...page,
          affiliateId,
          state: query.state ?? null,
        })
        const findings = await findingsOfEach(ctx, rows)
        return toPage(rows, page.limit, (row) =>
          toWire(row, { health: null, findings: findings.get(row.id) ?? [] }),
        )
      },
      read: async (idText) => read(await resolve(idText)),
      update: async (idText, patch) => {
        const id = await resolve(idText)
        return read(id, await changeDestination(ctx, { id, patch }, lookUp))
      },
      archive: async (idText) => {
        const id = await resolve(idText)
        await archive(ctx, 'destination', id)
        return read(id)
      },
    })

    for (const [verb, state, summary] of STATE_ROUTES)
      app.post(
        `/destinations/:id/${verb}`,
        {
          schema: { tags: ['destinations'], summary, params: IdParams, response: { 200: DestinationAnswer } },
        },
        async (req) => {
          const id = await resolve(req.params.id)
          await setDestinationState(ctx, id, state)
          return read(id)
        },
      )
  }

const STATE_ROUTES = [
  ['pause', 'paused', 'Hold its deliveries from the answer on'],
  ['resume', 'active', 'Let held deliveries go; also re-enables a disabled one'],
] as const
