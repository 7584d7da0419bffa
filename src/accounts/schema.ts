import { type Static, Type } from 'typebox'
import { PAGE_QUERY } from '../http/pagination.ts'
import { NullableText, OneOf, Page, Strict } from '../http/wire.ts'
import { encodeId } from '../kit/ids.ts'
import { ROLES } from './principal.ts'
import type { ApiKeyRow } from './store.ts'

export const NewApiKey = Strict({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  role: Type.Optional(OneOf(ROLES, { default: 'admin' })),
})
export type NewApiKey = Static<typeof NewApiKey>

const Timestamp = NullableText({ maxLength: 40 })

export const ApiKey = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: OneOf(ROLES),
  shown: Type.String({ description: 'first characters of the key' }),
  key: Type.Optional(Type.String({ description: 'the key itself, in the answer to POST only' })),
  created_at: Type.String(),
  last_used_at: Timestamp,
  revoked_at: Timestamp,
})
export type ApiKeyWire = Static<typeof ApiKey>

export const ApiKeyPage = Page(ApiKey)

export const ListApiKeysQuery = Strict({
  ...PAGE_QUERY,
  revoked: Type.Optional(Type.Boolean({ description: 'true: revoked ones too' })),
})

export const toWire = (row: ApiKeyRow): ApiKeyWire => ({
  id: encodeId('apiKey', row.id),
  name: row.name,
  role: row.role,
  shown: row.shown,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at?.toISOString() ?? null,
  revoked_at: row.revoked_at?.toISOString() ?? null,
})
