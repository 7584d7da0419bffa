import { type Static, Type } from 'typebox'
import { CONVERSION_STATUSES } from '../catalogue/catalogue.ts'
import { Finding } from '../destinations/schema.ts'
import { NullableText, OneOf, Strict } from '../http/wire.ts'
import { Attempt, RecordedRequest } from './schema.ts'

const ASKED = {
  conversion_id: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'of the affiliate of this destination' }),
  ),
  affiliate_click_id: Type.Optional(
    Type.String({ minLength: 1, maxLength: 500, description: 'a click id that the tracker gave out' }),
  ),
  offer_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  event: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  status: Type.Optional(OneOf(CONVERSION_STATUSES)),
  payout: Type.Optional(Type.String({ pattern: '^\\d{1,12}(\\.\\d{1,6})?$', description: 'decimal' })),
}

export const TestFireBody = Strict(ASKED)
export const PreviewQuery = Strict(ASKED)

export const TestFire = Type.Object({
  ...Attempt.properties,
  delivery_id: Type.String(),
  transaction_id: Type.String({ description: 'test-... : what the receiver was told' }),
  affiliate_click_id: NullableText({ maxLength: 500 }),
  test: Type.Boolean(),
  marks: Type.Array(Type.String(), { description: 'what told the receiver that it was a test' }),
  meaning: Type.String({ description: 'one sentence on what the answer means for this tracker' }),
  curl: NullableText({ maxLength: 100_000 }),
})
export type TestFireWire = Static<typeof TestFire>

export const PreviewAnswer = Type.Object({
  ...RecordedRequest.properties,
  parts: Type.Array(
    Type.Object({
      parameter: Type.String(),
      template: Type.String(),
      value: Type.String(),
      source: Type.String({ description: 'where the value came from' }),
    }),
  ),
  findings: Type.Array(Finding),
})
