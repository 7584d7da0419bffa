import type { Catalogue } from '../catalogue/catalogue.ts'
import { type Uuid, uuidTimeMs } from '../kit/ids.ts'

/** A successor that may travel from now on, but not before its delay ends (unix ms). */
export type Wake = { deliveryId: Uuid; notBeforeMs: number }

/** The delay of a delivery counts from its revision, whose time its id carries. */
export const wakeOf = (
  catalogue: Pick<Catalogue, 'destination'>,
  deliveryId: Uuid,
  destinationId: Uuid,
): Wake => {
  const delaySeconds = catalogue.destination(destinationId)?.definition.delay_seconds ?? 0
  return { deliveryId, notBeforeMs: uuidTimeMs(deliveryId) + delaySeconds * 1000 }
}

/** In id order, like every lock. */
export const sortWakes = <W extends Wake>(wakes: readonly W[]): W[] =>
  wakes.toSorted((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))
