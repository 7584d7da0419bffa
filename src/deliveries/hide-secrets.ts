import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { encoders } from '../destinations/encode.ts'
import { openSecrets } from '../destinations/open-secrets.ts'
import type { SecretBox } from '../kit/secret-box.ts'
import type { Sent } from './attempt-record.ts'

/** Shorter ones stand in many a text by chance. */
const SECRET_LENGTH_MIN = 4

/**
 * What a receiver answered as it may be kept and shown: many repeat what they were called with, above all in the Location
 * of a redirect. The destination's secrets become {secret:NAME} there, however they were encoded.
 */
export function hideSecrets(
  outcome: Sent['outcome'],
  definition: DestinationDefinition,
  box: SecretBox,
): Sent['outcome'] {
  const marks = outcome.kind === 'answer' ? marksOf(definition, box) : []
  if (outcome.kind !== 'answer' || marks.length === 0) return outcome
  const hide = (text: string): string =>
    marks.reduce((hidden, { form, mark }) => hidden.replaceAll(form, mark), text)
  const { answer } = outcome
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, text]) => [name, hide(text)] as const),
  )
  return { ...outcome, answer: { ...answer, headers, body: hide(answer.body) } }
}

/** Each way in which a secret goes out, the longest first: one may be a part of another. */
function marksOf(definition: DestinationDefinition, box: SecretBox): { form: string; mark: string }[] {
  return [...sentSecrets(definition, box)]
    .filter(([, secret]) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap(([name, secret]) => {
      const forms = new Set([secret, ...ENCODED.map((encode) => encode(secret))])
      return [...forms].map((form) => ({ form, mark: `{secret:${name}}` }))
    })
    .sort((a, b) => b.form.length - a.form.length)
}

const ENCODED = [encoders.query, encoders.form, encoders.json_string]
const NONE: ReadonlyMap<string, string> = new Map()

function sentSecrets(definition: DestinationDefinition, box: SecretBox): ReadonlyMap<string, string> {
  try {
    return openSecrets(definition, box)
  } catch {
    // What can not be read was not sent either.
    return NONE
  }
}
