import { CONVERSION_STATUSES, type ConversionStatus } from '../catalogue/catalogue.ts'

const WORDS: Readonly<Record<ConversionStatus, string>> = {
  approved: 'approved approve confirmed accepted sale paid completed credited success ok 1',
  pending: 'pending hold wait lead new processing open 2 5',
  rejected:
    'rejected reject declined decline canceled cancelled cancel trash reversed refunded chargeback scrubbed void invalid 3',
}

const STATUS_OF_WORD: ReadonlyMap<string, ConversionStatus> = new Map(
  CONVERSION_STATUSES.flatMap((status) => WORDS[status].split(' ').map((word) => [word, status] as const)),
)

/** What a status word means: the advertiser's own map first, then the words every network uses; null if neither knows it. */
export function readStatusWord(
  word: string,
  statusMap: Readonly<Record<string, ConversionStatus>>,
): ConversionStatus | null {
  const lower = word.toLowerCase()
  if (Object.hasOwn(statusMap, lower)) return statusMap[lower] ?? null
  return STATUS_OF_WORD.get(lower) ?? null
}
