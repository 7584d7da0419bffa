import { type TProperties, type TSchema, Type } from 'typebox'

/** An object of the wire; names that it does not have are refused, so a typing error is never stored and ignored. */
export const Strict = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false })

export const NullableText = (options: { minLength?: number; maxLength: number; description?: string }) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options })

export const OneOf = <const T extends string>(
  words: readonly T[],
  options: { default?: T; description?: string } = {},
) => Type.Unsafe<T>({ type: 'string', enum: [...words], ...options })

/** What a refusal says; some refusals add fields of their own. */
export const ErrorObject = Type.Object(
  {
    code: Type.String({ description: 'a word of docs/errors.md' }),
    message: Type.String(),
    field: Type.Optional(Type.String({ description: 'what to correct' })),
    fix: Type.Optional(Type.String({ description: 'how' })),
    request_id: Type.String(),
  },
  { additionalProperties: true },
)

/** The answer of a list. */
export const Page = <T extends TSchema>(resource: T) =>
  Type.Object({ data: Type.Array(resource), next_cursor: NullableText({ maxLength: 100 }) })

/** A resource's id in the path: ours, or the network's own external_id. */
export const IdParams = Strict({ id: Type.String({ minLength: 1, maxLength: 128 }) })

const EXTERNAL_ID_MAX = 64

export const ExternalId = NullableText({
  minLength: 1,
  maxLength: EXTERNAL_ID_MAX,
  description: "The network's own id; unique per kind; accepted wherever the id is.",
})
