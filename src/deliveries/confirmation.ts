import type { Catalogue } from '../catalogue/catalogue.ts'
import { compileDestination } from '../destinations/compile.ts'
import type { Uuid } from '../kit/ids.ts'

/** What the receiver's good answers prove; null: that it took the conversion. */
export type Confirmation = 'none' | null

export function confirmationOf(catalogue: Pick<Catalogue, 'destination'>, destinationId: Uuid): Confirmation {
  const destination = catalogue.destination(destinationId)
  return destination === undefined ? null : compileDestination(destination.definition).confirmation
}
