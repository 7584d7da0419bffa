import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false }

/**
 * An answer by which a tracker says no although the status is 2xx. `contains` ignores case. `requireBody` turns the rule
 * round: the answer is refused, as unexpected_answer, unless its body passes.
 */
const RefusalRuleSchema = Type.Object(
  {
    word: Type.String({ pattern: '^[a-z][a-z0-9_]{1,39}$' }),
    status: Type.Optional(Type.Array(Type.Integer({ minimum: 200, maximum: 299 }))),
    contains: Type.Optional(Type.String({ minLength: 1 })),
    equals: Type.Optional(Type.String()),
    json: Type.Optional(
      Type.Object(
        {
          path: Type.String({ minLength: 1 }),
          equals: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
          notEquals: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
        },
        closed,
      ),
    ),
    requireBody: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type RefusalRule = Static<typeof RefusalRuleSchema>

/** How sure a fact is: documented by the vendor, said by others, concluded from facts, or looked for and not found. */
const StandingSchema = Type.Union([
  Type.Literal('documented'),
  Type.Literal('third_party'),
  Type.Literal('inferred'),
  Type.Literal('not_found'),
])

const RecogniseSchema = Type.Object(
  {
    /** `track.example.com`, or `*.example.com` for every host below. */
    host: Type.Optional(Type.String({ minLength: 4 })),
    /** `/postback`; `*` is one segment, a leading `**` any number of them. */
    path: Type.Optional(Type.String({ pattern: '^/' })),
    /** All of these query parameters, ignoring case. */
    parameters: Type.Optional(Type.Array(Type.String())),
  },
  closed,
)
export type RecogniseRule = Static<typeof RecogniseSchema>

const ParameterSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    /** What belongs there, as a template. */
    macro: Type.String({ minLength: 3 }),
    need: Type.Union([Type.Literal('required'), Type.Literal('recommended'), Type.Literal('optional')]),
    /** Names the tracker takes as well. */
    also: Type.Optional(Type.Array(Type.String())),
    /** Names that people write here and that the tracker does not read. */
    mistaken: Type.Optional(Type.Array(Type.String())),
    length_max: Type.Optional(Type.Integer({ minimum: 1 })),
    /** The tracker compares the value with its case. */
    case_sensitive: Type.Optional(Type.Boolean()),
    /** What happens without it; the end of "Without NAME ". */
    without: Type.Optional(Type.String()),
  },
  closed,
)
export type PresetParameter = Static<typeof ParameterSchema>

const StatusSchema = Type.Object(
  {
    parameter: Type.String(),
    /** Words the tracker understands, in its own case. */
    words: Type.Array(Type.String()),
    /** Argument of the filter map from our words to the tracker's; null where the words are free text. */
    map: Type.Union([Type.String(), Type.Null()]),
    /** Parameters that translate words on the tracker's side. */
    mapped_by: Type.Optional(Type.Array(Type.String())),
  },
  closed,
)

/**
 * What a column of an upload holds. reversal_id: the transaction id with -reversal behind it, so that the tracker takes
 * it for another conversion of the click. negative_payout: what the tracker was told, with a minus.
 */
const UploadValueSchema = Type.Union([
  Type.Literal('click_id'),
  Type.Literal('reversal_id'),
  Type.Literal('negative_payout'),
  Type.Literal('currency'),
])
export type UploadValue = Static<typeof UploadValueSchema>

export const PresetSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9_]{1,39}$' }),
    title: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    kind: Type.Union([Type.Literal('tracker'), Type.Literal('ad_platform'), Type.Literal('plain')]),
    method: Type.Union([Type.Literal('GET'), Type.Literal('POST')]),
    /** A URL as it should look; words in capitals are to be filled in. */
    example: Type.Union([Type.String(), Type.Null()]),
    /** Headers and body that go with the example. */
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    body: Type.Optional(Type.String()),
    /** Older conversions are refused, so they are not sent. */
    age_seconds_max: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Members of a JSON body without a value are left out: the receiver takes an empty text for a wrong one. */
    omit_empty: Type.Optional(Type.Literal(true)),
    /** Known, but the relay can not send to it yet. */
    not_built: Type.Optional(Type.Literal(true)),
    /** none: a 2xx never proves that the event was taken. */
    confirmation: Type.Optional(Type.Literal('none')),
    /** One fitting rule is enough. Order in PRESET_NAMES decides between presets that fit equally well. */
    recognise: Type.Array(RecogniseSchema),
    /** The query parameter that carries the tracker's click id. */
    click_id_parameter: Type.Union([Type.String(), Type.Null()]),
    parameters: Type.Array(ParameterSchema),
    status: Type.Union([StatusSchema, Type.Null()]),
    refusals: Type.Array(RefusalRuleSchema),
    dedup: Type.String(),
    replay: Type.Object(
      {
        safe: Type.Union([Type.Literal('yes'), Type.Literal('no'), Type.Literal('depends')]),
        effect: Type.String(),
      },
      closed,
    ),
    reversal: Type.Object(
      {
        by_postback: Type.Boolean(),
        how: Type.String(),
        /** What {event} is for a rejected conversion; it happens when the rejection was reported. */
        event: Type.Optional(Type.String({ minLength: 1 })),
        /** What has to be set in the tracker for it to work. */
        caveat: Type.Optional(Type.String()),
        /** What the URL of a rejected conversion has to carry, as a template. */
        needs: Type.Optional(
          Type.Array(
            Type.Object(
              {
                parameter: Type.String({ minLength: 1 }),
                macro: Type.String({ pattern: '^\\{[a-z_]+.*\\}$' }),
              },
              closed,
            ),
          ),
        ),
        /** The tracker's own upload, which takes reversals where a postback can not. */
        upload: Type.Optional(
          Type.Object(
            {
              columns: Type.Array(Type.Object({ name: Type.String(), holds: UploadValueSchema }, closed), {
                minItems: 1,
              }),
              rows_max: Type.Integer({ minimum: 1 }),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
    /** Added to the query of a test fire. */
    test_parameters: Type.Record(Type.String(), Type.String()),
    /** Members put into the JSON body of a test fire, each with the secret that it takes its value from. */
    test_body: Type.Optional(Type.Record(Type.String(), Type.String())),
    /** Where a test fire goes instead: this path, if the URL has the other one. */
    test_path: Type.Optional(
      Type.Object({ from: Type.String({ pattern: '^/' }), to: Type.String({ pattern: '^/' }) }, closed),
    ),
    limits: Type.Array(Type.String()),
    notes: Type.Array(
      Type.Object({ says: Type.String(), standing: StandingSchema, source: Type.String() }, closed),
    ),
  },
  closed,
)

/** What we know of one tracker. */
export type Preset = Static<typeof PresetSchema>
