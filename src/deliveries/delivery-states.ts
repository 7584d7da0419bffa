/** States as people see them; all are stored but `held`, which is a scheduled delivery that something holds back. */
export const DELIVERY_STATES = [
  'scheduled',
  'held',
  'delivered',
  'refused',
  'failed',
  'skipped',
  'superseded',
  'cancelled',
] as const
export type ShownState = (typeof DELIVERY_STATES)[number]

/** As the table holds them. */
export type DeliveryState = Exclude<ShownState, 'held'>

export const isShownState = (word: string): word is ShownState =>
  (DELIVERY_STATES as readonly string[]).includes(word)
