import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import { PAGE_QUERY } from './pagination.ts'
import { IdParams, Page, Strict } from './wire.ts'

/** Query of a list of a noun that can be archived; spread further filters into `Strict`. */
export const LIST_QUERY = {
  ...PAGE_QUERY,
  archived: Type.Optional(Type.Boolean({ description: 'true: archived ones too' })),
}
export const ListQuery = Strict(LIST_QUERY)

/** What every noun of the catalogue has; each handler answers with the whole resource. */
export type Noun<New extends TSchema, Patch extends TSchema, Query extends TSchema> = {
  /** In the plural, as in the path. */
  name: string
  schemas: { create: New; patch: Patch; query: Query; resource: TSchema }
  create(body: Static<New>): Promise<unknown>
  list(query: Static<Query>): Promise<unknown>
  read(id: string): Promise<unknown>
  update(id: string, patch: Static<Patch>): Promise<unknown>
  archive(id: string): Promise<unknown>
}

/** POST, GET, GET /:id, PATCH /:id and DELETE /:id of one noun. */
export function addNounRoutes<New extends TSchema, Patch extends TSchema, Query extends TSchema>(
  app: Pick<FastifyInstance, 'post' | 'get' | 'patch' | 'delete'>,
  noun: Noun<New, Patch, Query>,
): void {
  const { name, schemas } = noun
  const path = `/${name}`
  const tags = [name]
  const params = IdParams
  const response = { 200: schemas.resource }
  const idOf = (req: FastifyRequest): string => (req.params as Static<typeof IdParams>).id

  app.post(
    path,
    { schema: { tags, summary: 'Create', body: schemas.create, response: { 201: schemas.resource } } },
    async (req, reply) => reply.code(201).send(await noun.create(req.body as Static<New>)),
  )
  app.get(
    path,
    {
      schema: {
        tags,
        summary: 'List, newest first',
        querystring: schemas.query,
        response: { 200: Page(schemas.resource) },
      },
    },
    (req) => noun.list(req.query as Static<Query>),
  )
  app.get(`${path}/:id`, { schema: { tags, summary: 'Read one', params, response } }, (req) =>
    noun.read(idOf(req)),
  )
  app.patch(
    `${path}/:id`,
    { schema: { tags, summary: 'Change', params, body: schemas.patch, response } },
    (req) => noun.update(idOf(req), req.body as Static<Patch>),
  )
  app.delete(
    `${path}/:id`,
    { schema: { tags, summary: 'Archive; PATCH {"archived":false} restores', params, response } },
    (req) => noun.archive(idOf(req)),
  )
}
