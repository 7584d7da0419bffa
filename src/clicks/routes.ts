import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { resolveFilter } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { LIST_BODY_BYTES_MAX } from '../http/server.ts'
import { AppError } from '../kit/app-error.ts'
import { decodeId } from '../kit/ids.ts'
import type { Click } from './click.ts'
import type { ClickWriter } from './click-writer.ts'
import { readClick } from './read-click.ts'
import {
  ClickAnswer,
  ClickList,
  ClickPage,
  ClickParams,
  ClickQuery,
  ClickResults,
  type ClickWire,
  NewClick,
  toWire,
} from './schema.ts'
import { findClickById, findClicks, listClicks } from './store.ts'
import { storeClickList } from './store-click-list.ts'

type Needs = Pick<Context, 'db' | 'catalogue' | 'clock'>
const tags = ['clicks']

/** /clicks, registered under /v1. */
export const clickRoutes =
  (ctx: Needs, parts: { clickWriter: ClickWriter }): FastifyPluginAsyncTypebox =>
  async (app) => {
    addStoreRoute(app, ctx, parts.clickWriter)

    app.get(
      '/clicks',
      {
        schema: {
          tags,
          summary: 'List, newest first',
          querystring: ClickQuery,
          response: { 200: ClickPage },
        },
      },
      async (req) => {
        const { query } = req
        const page = readPageRequest(query)
        const filter = {
          ...page,
          clickId: query.click_id ?? null,
          affiliateClickId: query.affiliate_click_id ?? null,
          affiliateId: await resolveFilter(ctx, {
            noun: 'affiliate',
            field: 'affiliate_id',
            text: query.affiliate_id,
          }),
          offerId: await resolveFilter(ctx, { noun: 'offer', field: 'offer_id', text: query.offer_id }),
        }
        return toPage(await listClicks(ctx.db.reads, filter), page.limit, toWire)
      },
    )

    app.get(
      '/clicks/:id',
      {
        schema: {
          tags,
          summary: "Read one, by the network's click id or ours",
          params: ClickParams,
          response: { 200: ClickAnswer },
        },
      },
      async (req) => toWire(await readStoredClick(ctx, req.params.id)),
    )
  }

function addStoreRoute(app: Pick<FastifyInstance, 'post'>, ctx: Needs, writer: ClickWriter): void {
  app.post(
    '/clicks',
    {
      bodyLimit: LIST_BODY_BYTES_MAX,
      config: { checksOwnText: true },
      schema: {
        tags,
        summary: 'Store a click, or up to 1,000 as data',
        body: Type.Union([NewClick, ClickList]),
        response: { 200: Type.Union([ClickAnswer, ClickResults]), 201: ClickAnswer },
      },
      // One click or a list: each is checked by its own schema, which says more than a union could.
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (req, reply) => {
      if (isList(req.body)) return { results: await storeClickList(ctx, req.body, req.id) }
      assertSmallBody(req)
      return storeOne(ctx, writer, req, reply)
    },
  )
}

async function storeOne(
  ctx: Needs,
  writer: ClickWriter,
  req: FastifyRequest,
  reply: FastifyReply,
): Promise<ClickWire> {
  const outcome = await writer.store(readClick(req.body, ctx.clock.nowMs()))
  if ('refused' in outcome) throw outcome.refused
  reply.code(outcome.result === 'created' ? 201 : 200)
  return { result: outcome.result, ...toWire(outcome.click) }
}

const isList = (body: unknown): body is object =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, 'data')

const SINGLE_BODY_BYTES_MAX = 1024 * 1024

function assertSmallBody(req: FastifyRequest): void {
  if (Number(req.headers['content-length'] ?? 0) > SINGLE_BODY_BYTES_MAX) throw new AppError('body_too_large')
}

async function readStoredClick(ctx: Pick<Context, 'db'>, text: string): Promise<Click> {
  const byClickId = (await findClicks(ctx.db.reads, [text])).get(text)
  if (byClickId !== undefined) return byClickId
  const id = decodeId('click', text)
  const click = id === null ? null : await findClickById(ctx.db.reads, id)
  if (click !== null) return click
  throw new AppError('not_found', {
    message: 'There is no such click.',
    fix: "Send the network's click id; GET /v1/clicks?affiliate_click_id= finds the affiliate's.",
  })
}
