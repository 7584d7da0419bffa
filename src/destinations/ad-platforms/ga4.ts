import type { DeliveryFacts } from '../../deliveries/facts.ts'
import { RenderError } from '../render-error.ts'

const CLIENT_ID_PARAMS = ['ga_client_id', 'client_id'] as const

/**
 * The visitor as GA4 knows it: a client id from the click's parameters where the offer shares it, else the affiliate's
 * click id, which affiliates of GA4 pass as such. Throws RenderError without one: GA4 would drop the event in silence.
 */
export function gaClientId(facts: DeliveryFacts, shared: readonly string[]): string {
  const name = CLIENT_ID_PARAMS.find(
    (one) =>
      (shared.includes(one) || shared.includes(`click_param:${one}`)) &&
      Object.hasOwn(facts.clickParams, one),
  )
  const clientId =
    (name === undefined ? '' : (facts.clickParams[name] ?? '')) || (facts.affiliateClickId ?? '')
  if (clientId === '') throw new RenderError('The click has no GA4 client id and no affiliate click id.')
  return clientId
}
