import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { readPageRequest, toPage } from '../http/pagination.ts'
import { IdParams } from '../http/wire.ts'
import { AppError } from '../kit/app-error.ts'
import { decodeId, type Uuid } from '../kit/ids.ts'
import { createApiKey } from './create-api-key.ts'
import { ApiKey, ApiKeyPage, ListApiKeysQuery, NewApiKey, toWire } from './schema.ts'
import { type ApiKeyRow, findApiKey, listApiKeys, updateApiKeyRevoked } from './store.ts'

const tags = ['keys']

/** /keys, registered under /v1. */
export const keyRoutes =
  (ctx: Pick<Context, 'db' | 'clock'>): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.post(
      '/keys',
      {
        schema: { tags, summary: 'Make a key; it is shown once', body: NewApiKey, response: { 201: ApiKey } },
      },
      async (req, reply) => {
        const { name, role = 'admin' } = req.body
        if (role !== 'admin') throw roleNotAvailable()
        const { row, key } = await createApiKey(ctx, { name, role })
        return reply.code(201).send({ ...toWire(row), key })
      },
    )

    app.get(
      '/keys',
      {
        schema: { tags, summary: 'List keys', querystring: ListApiKeysQuery, response: { 200: ApiKeyPage } },
      },
      async (req) => {
        const page = readPageRequest(req.query)
        const rows = await listApiKeys(ctx.db.reads, { ...page, revoked: req.query.revoked ?? false })
        return toPage(rows, page.limit, toWire)
      },
    )

    app.get(
      '/keys/:id',
      { schema: { tags, summary: 'One key', params: IdParams, response: { 200: ApiKey } } },
      async (req) => toWire(assertFound(await findApiKey(ctx.db.reads, keyId(req.params.id)))),
    )

    app.delete(
      '/keys/:id',
      { schema: { tags, summary: 'Revoke a key, at once', params: IdParams, response: { 200: ApiKey } } },
      async (req) => toWire(assertFound(await updateApiKeyRevoked(ctx.db.reads, keyId(req.params.id)))),
    )
  }

function keyId(text: string): Uuid {
  const id = decodeId('apiKey', text)
  if (id === null) throw notFound()
  return id
}

function assertFound(row: ApiKeyRow | null): ApiKeyRow {
  if (row === null) throw notFound()
  return row
}

const notFound = (): AppError =>
  new AppError('not_found', { message: 'There is no such key.', fix: 'GET /v1/keys lists the keys.' })

const roleNotAvailable = (): AppError =>
  new AppError('not_available', {
    field: 'role',
    message: 'Only the role admin is built yet.',
    fix: 'Send "admin", or leave role out.',
  })
