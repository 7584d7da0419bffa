import { type Static, Type } from 'typebox'
import { NullableText, OneOf, Strict } from '../http/wire.ts'
import { Finding, URL_MAX } from './schema.ts'

export const ROWS_MAX = 1000

export const LintBody = Strict({
  url: Type.String({ maxLength: URL_MAX }),
  preset: Type.Optional(NullableText({ minLength: 1, maxLength: 64 })),
  method: Type.Optional(OneOf(['GET', 'POST'])),
})

export const LintAnswer = Type.Object({
  preset: Type.String({ description: 'what the URL is read as' }),
  also: Type.Array(Type.String(), { description: 'other presets that fit' }),
  url: Type.String({ description: 'repaired and translated' }),
  findings: Type.Array(Finding),
})

export const ImportQuery = Strict({
  dry_run: Type.Optional(Type.Boolean({ description: 'true: check every row and store nothing' })),
})

/** JSON; a CSV has the same fields as columns. */
export const ImportBody = Type.Object({
  data: Type.Array(Type.Object({}, { additionalProperties: true }), { minItems: 1, maxItems: ROWS_MAX }),
})

const ImportRow = Type.Object({
  row: Type.Integer({ description: 'of the list, from 1; the head line of a CSV is not counted' }),
  result: OneOf(['created', 'updated', 'refused']),
  id: Type.Optional(Type.String()),
  external_id: NullableText({ maxLength: 64 }),
  preset: NullableText({ maxLength: 64 }),
  url: NullableText({ maxLength: URL_MAX }),
  findings: Type.Array(Finding),
  error: Type.Optional(Type.Object({}, { additionalProperties: true })),
})
export type ImportRowWire = Static<typeof ImportRow>

export const ImportAnswer = Type.Object({
  dry_run: Type.Boolean(),
  created: Type.Integer(),
  updated: Type.Integer(),
  refused: Type.Integer(),
  rows: Type.Array(ImportRow),
})
export type ImportWire = Static<typeof ImportAnswer>

export const ExportQuery = Strict({
  format: Type.Optional(OneOf(['json', 'csv'], { default: 'json' })),
  affiliate_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
})

export const ExportAnswer = Type.Object({
  data: Type.Array(Type.Object({}, { additionalProperties: true })),
})
