import type { Catalogue, DestinationDefinition } from '../catalogue/catalogue.ts'
import { resolveField } from '../catalogue/resource.ts'
import type { SecretBox } from '../kit/secret-box.ts'
import type { DestinationInput } from './check-definition.ts'
import type { DestinationPatch } from './schema.ts'

type Needs = { catalogue: Catalogue; secrets: SecretBox }

/**
 * The definition that a body asks for: its fields over those stored (null for a new one), secrets sealed, offers as bare
 * uuids. Throws AppError `unknown_offer` naming the entry.
 */
export function readDefinition(
  { catalogue, secrets: box }: Needs,
  body: DestinationPatch & { url: string },
  stored: DestinationDefinition | null,
): DestinationInput {
  const {
    offer_ids,
    secrets,
    signing_secret,
    external_id: _,
    affiliate_id: __,
    archived: ___,
    ...rest
  } = body
  const { url_as_given, ...before } = stored ?? {}
  return {
    ...before,
    ...(body.url === stored?.url && url_as_given !== undefined && { url_as_given }),
    ...rest,
    ...(offer_ids !== undefined && { offer_ids: toOfferIds(catalogue, offer_ids) }),
    ...(secrets !== undefined && { secrets: mergeSecrets(box, stored?.secrets ?? {}, secrets) }),
    ...(signing_secret !== undefined && {
      signing_secret: signing_secret === null ? null : box.seal(signing_secret),
    }),
  }
}

const toOfferIds = (catalogue: Catalogue, offerIds: readonly string[]): string[] =>
  offerIds.map((text, at) =>
    resolveField(catalogue, { noun: 'offer', field: `offer_ids.${at}`, text, archivedToo: true }),
  )

/** They can not be read back, so a PATCH need not repeat those that stay; null removes one. */
function mergeSecrets(
  box: SecretBox,
  stored: Readonly<Record<string, string>>,
  sent: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = new Map(Object.entries(stored))
  for (const [name, value] of Object.entries(sent)) {
    if (value === null) merged.delete(name)
    else merged.set(name, box.seal(value))
  }
  return Object.fromEntries(merged)
}
