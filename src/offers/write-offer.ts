import { applyPatch } from '../catalogue/archive.ts'
import { withControlWrite } from '../catalogue/control-write.ts'
import { assertExternalId, withExternalIdCheck } from '../catalogue/external-id.ts'
import { assertOpen, type Needs } from '../catalogue/open-row.ts'
import { assertSameOwner, resolveField, syncCatalogue } from '../catalogue/resource.ts'
import type { Context } from '../context.ts'
import { newUuid, type Uuid } from '../kit/ids.ts'
import { assertLandingUrl } from './landing-url.ts'
import { toOverrides, toPayoutRule } from './payout-rule.ts'
import type { NewOffer, OfferPatch } from './schema.ts'
import { findOffer, insertOffer, type OfferFields, updateOffer } from './store.ts'

const DEFAULTS = {
  external_id: null,
  landing_url: null,
  overrides: [],
  attribution_window_days: 30,
  default_status: 'approved' as const,
  events: [],
  shared: ['sale_amount'],
  state: 'active' as const,
}

export async function createOffer(ctx: Needs & Pick<Context, 'clock'>, body: NewOffer): Promise<Uuid> {
  await syncCatalogue(ctx)
  const { advertiser_id: text, name } = body
  const advertiser_id = resolveField(ctx.catalogue, { noun: 'advertiser', field: 'advertiser_id', text })
  const payout = toPayoutRule(body.payout, 'payout')
  const fields: OfferFields = { ...DEFAULTS, name, payout, ...readFields(ctx, body) }
  const id = newUuid(ctx.clock.nowMs())
  await withExternalIdCheck(() =>
    withControlWrite(ctx, (tx, version) => insertOffer(tx, { ...fields, id, advertiser_id, version })),
  )
  return id
}

export async function changeOffer(ctx: Needs, id: Uuid, patch: OfferPatch): Promise<void> {
  assertSameOwner(ctx.catalogue, {
    noun: 'advertiser',
    field: 'advertiser_id',
    text: patch.advertiser_id,
    owner: ctx.catalogue.offer(id)?.advertiserId,
  })
  const changes = readFields(ctx, patch)
  const write = (): Promise<void> =>
    withExternalIdCheck(() =>
      withControlWrite(ctx, async (tx, version) => {
        const row = assertOpen(await findOffer(tx, id))
        await updateOffer(tx, { ...row, ...changes, version })
      }),
    )
  const target = { noun: 'offer' as const, id, archived: patch.archived }
  await applyPatch(ctx, target, Object.keys(changes).length > 0 ? write : null)
}

/** What the body sets, checked; absent fields are absent. */
function readFields({ catalogue }: Pick<Needs, 'catalogue'>, body: OfferPatch): Partial<OfferFields> {
  const { advertiser_id: _, archived: __, payout, overrides, events, ...rest } = body
  assertExternalId(rest.external_id)
  if (rest.landing_url != null) assertLandingUrl(rest.landing_url)
  const resolveAffiliate = (text: string, field: string): Uuid =>
    resolveField(catalogue, { noun: 'affiliate', field, text, archivedToo: true })
  return {
    ...rest,
    ...(payout !== undefined && { payout: toPayoutRule(payout, 'payout') }),
    ...(overrides !== undefined && { overrides: toOverrides(overrides, resolveAffiliate) }),
    ...(events !== undefined && { events: events.map((event) => event.trim().toLowerCase()) }),
  }
}
