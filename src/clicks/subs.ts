import type { Affiliate } from '../catalogue/catalogue.ts'

/** The free parameters of a link, by which affiliates mark their clicks. */
export const SUB_NAMES = [
  'sub1',
  'sub2',
  'sub3',
  'sub4',
  'sub5',
  'sub6',
  'sub7',
  'sub8',
  'sub9',
  'sub10',
] as const

/** Index 0 is sub1. */
export type Subs = readonly (string | null)[]

/** As long as the last one that was sent. */
export const trimSubs = (subs: Subs): (string | null)[] =>
  subs.slice(0, subs.findLastIndex((sub) => sub !== null) + 1)

/** The affiliate's own click id: the one that was named as such, or the sub in which this affiliate puts it (click_id_from). */
export function affiliateClickIdOf(
  { clickIdFrom }: Pick<Affiliate, 'clickIdFrom'>,
  { affiliateClickId, subs }: { affiliateClickId: string | null; subs: Subs },
): string | null {
  const at = (SUB_NAMES as readonly string[]).indexOf(clickIdFrom)
  return at === -1 ? affiliateClickId : (subs[at] ?? null)
}
