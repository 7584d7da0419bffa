import type { DeliveryFacts } from '../../deliveries/facts.ts'
import { ownValue } from '../../kit/own-value.ts'

const SUBDOMAIN_INDEX = 1

/** Meta's click id as its own cookie would hold it: fb.1.<unix ms of the click>.<fbclid>; null without an fbclid. */
export function fbcOf({ clickParams, clickedAt, occurredAt }: DeliveryFacts): string | null {
  const fbclid = ownValue(clickParams, 'fbclid') ?? ''
  return fbclid === '' ? null : `fb.${SUBDOMAIN_INDEX}.${(clickedAt ?? occurredAt).getTime()}.${fbclid}`
}
