import { type Static, Type } from 'typebox'
import { PAGE_QUERY } from '../http/pagination.ts'
import { NullableText, Page, Strict } from '../http/wire.ts'

const Count = Type.Integer({ minimum: 0 })

export const LedgerQuery = Strict({
  from: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339; default 24 h before "to"' })),
  to: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339; default now' })),
  explain: Type.Optional(Type.Boolean({ description: 'List what is unaccounted, up to 100' })),
})

const UnaccountedEntry = Type.Object({
  kind: Type.String(),
  message: Type.String(),
  conversion_id: Type.String(),
  revision: Type.Integer(),
  count: Count,
  delivery_id: Type.Optional(Type.String()),
})
export type UnaccountedWire = Static<typeof UnaccountedEntry>

export const Ledger = Type.Object({
  from: Type.String(),
  to: Type.String(),
  revisions: Type.Object({
    accepted: Count,
    fanned_out: Count,
    waiting: Count,
    parked: Count,
    unattributed: Count,
  }),
  deliveries: Type.Object({
    scheduled: Count,
    held: Count,
    delivered: Count,
    refused: Count,
    failed: Count,
    skipped: Count,
    superseded: Count,
    cancelled: Count,
  }),
  unaccounted: Count,
  explain: Type.Optional(Type.Array(UnaccountedEntry)),
})
export type LedgerWire = Static<typeof Ledger>

export const AlertQuery = Strict({
  ...PAGE_QUERY,
  open: Type.Optional(Type.Boolean({ description: 'true: only those that are not over' })),
})
export type AlertQuery = Static<typeof AlertQuery>

const Alert = Type.Object({
  id: Type.String(),
  kind: Type.String({
    description:
      'breaker_open: a destination fails at nearly every call; destination_disabled: it answered 410 and waits for its resume',
  }),
  destination_id: NullableText({ maxLength: 40 }),
  opened_at: Type.String(),
  closed_at: NullableText({ maxLength: 40 }),
})
export type AlertWire = Static<typeof Alert>
export const AlertPage = Page(Alert)
