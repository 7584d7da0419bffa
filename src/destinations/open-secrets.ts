import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import type { SecretBox } from '../kit/secret-box.ts'
import { RenderError } from './render-error.ts'

type Opened = { secrets: ReadonlyMap<string, string>; signingSecret: string | null }

const openedByDefinition = new WeakMap<DestinationDefinition, { box: SecretBox; opened: Opened }>()

/** NAME -> value. Throws RenderError where SECRETS_KEY is not the one they were sealed with. */
export const openSecrets = (definition: DestinationDefinition, box: SecretBox): ReadonlyMap<string, string> =>
  open(definition, box).secrets

/** Throws like openSecrets. */
export const openSigningSecret = (definition: DestinationDefinition, box: SecretBox): string | null =>
  open(definition, box).signingSecret

function open(definition: DestinationDefinition, box: SecretBox): Opened {
  const known = openedByDefinition.get(definition)
  if (known?.box === box) return known.opened
  const opened = {
    secrets: new Map(
      Object.entries(definition.secrets).map(([name, sealed]) => [name, openOne(box, sealed)]),
    ),
    signingSecret: definition.signing_secret === null ? null : openOne(box, definition.signing_secret),
  }
  openedByDefinition.set(definition, { box, opened })
  return opened
}

function openOne(box: SecretBox, sealed: string): string {
  try {
    return box.open(sealed)
  } catch {
    throw new RenderError(
      'A secret of the destination can not be read: SECRETS_KEY has changed. Set it again.',
    )
  }
}
