import { isAddressRange } from '../../config/address-range.ts'
import type { ConversionStatus } from '../catalogue/catalogue.ts'
import { CANONICAL_FIELDS } from '../intake/field-names.ts'
import { AppError } from '../kit/app-error.ts'

const CANONICAL = new Set<string>(CANONICAL_FIELDS)

/** Throws AppError where a param_map names a field that does not exist, or a parameter with spaces at its ends. */
export function assertParamMap(paramMap: Readonly<Record<string, string>>): void {
  for (const [canonical, theirs] of Object.entries(paramMap)) {
    if (!CANONICAL.has(canonical))
      throw invalid(`param_map.${canonical}`, `There is no field ${canonical}.`, fieldsFix)
    if (theirs.trim() !== theirs || theirs === '')
      throw invalid(
        `param_map.${canonical}`,
        'The parameter name is empty or has spaces at its ends.',
        "Send the advertiser's parameter name; dots lead into nested JSON.",
      )
  }
}

const fieldsFix = `The left side is one of ${CANONICAL_FIELDS.join(', ')}; the right side is the advertiser's name for it.`

/** Words in lower case, as they are looked up. Throws AppError for empty words and those with two meanings. */
export function toStatusMap(
  statusMap: Readonly<Record<string, ConversionStatus>>,
): Record<string, ConversionStatus> {
  const lower = new Map<string, ConversionStatus>()
  for (const [word, status] of Object.entries(statusMap)) {
    const key = word.trim().toLowerCase()
    if (key === '' || key.length > 128 || (lower.get(key) ?? status) !== status)
      throw invalid(
        `status_map.${word}`,
        'The word is empty, too long, or has two meanings.',
        'Case does not count: send each word once, up to 128 characters.',
      )
    lower.set(key, status)
  }
  return Object.fromEntries(lower)
}

/** Throws AppError for what is not an IANA time zone. */
export function assertTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new AppError('invalid_field', {
      field: 'timezone',
      message: 'This time zone is not known.',
      fix: 'Send an IANA name like Europe/Berlin, or UTC.',
      cause,
    })
  }
}

/** Throws AppError naming the first entry that is neither an address nor a range. */
export function assertIpAllowlist(ranges: readonly string[]): void {
  const at = ranges.findIndex((range) => !isAddressRange(range))
  if (at !== -1)
    throw invalid(
      `ip_allowlist.${at}`,
      'This is neither an IP address nor a range.',
      'Send addresses like 203.0.113.7 or ranges like 203.0.113.0/24.',
    )
}

const invalid = (field: string, message: string, fix: string): AppError =>
  new AppError('invalid_field', { field, message, fix })
