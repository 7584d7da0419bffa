import type { DeliveryFacts } from '../../deliveries/facts.ts'

const SUBDOMAIN_INDEX = 1

/** Meta's click id as its own cookie would hold it: fb.1.<unix ms of the click>.<fbclid>; null without an fbclid. */
export function fbcOf({ clickParams, clickedAt, occurredAt }: DeliveryFacts): string | null {
  const fbclid = Object.hasOwn(clickParams, 'fbclid') ? (clickParams.fbclid ?? '') : ''
  return fbclid === '' ? null : `fb.${SUBDOMAIN_INDEX}.${(clickedAt ?? occurredAt).getTime()}.${fbclid}`
}
