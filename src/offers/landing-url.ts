import { AppError } from '../kit/app-error.ts'

/** What a landing URL can say about the click; subs are those of the link. */
export type LandingFacts = {
  network_click_id: string
  affiliate_click_id: string | null
  affiliate_id: string
  offer_id: string
  subs: readonly (string | null)[]
}

const MACRO = /\{([^{}]*)\}/g
const NAMES = ['network_click_id', 'affiliate_click_id', 'affiliate_id', 'offer_id'] as const
const SUB = /^sub([1-9]|10)$/

/** Throws AppError naming landing_url where it is no http(s) URL or has a macro that does not exist. */
export function assertLandingUrl(url: string): void {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || /[{}]/.test(parsed.hostname))
    throw refusal('landing_url is not a URL that starts with http:// or https://.', 'Send the whole URL.')
  // It becomes the Location header as it is.
  if (/[^\x21-\x7e]/.test(url))
    throw refusal(
      'landing_url has spaces, control or non-ASCII characters.',
      'Percent-encode them; write a host name in its xn-- form.',
    )
  if (parsed.username !== '' || parsed.password !== '')
    throw refusal('landing_url has a user name or password in it.', 'Take it out: visitors would see it.')
  for (const [macro, name = ''] of url.matchAll(MACRO))
    if (!isKnown(name))
      throw refusal(
        `landing_url has an unknown macro ${macro}.`,
        `Known are ${NAMES.map((known) => `{${known}}`).join(' ')} {sub1} to {sub10}.`,
      )
}

/**
 * The address a visitor is sent to; values are percent-encoded, absent ones empty. So is one that would climb out of its
 * folder: browsers take dots for that however they are encoded.
 */
export function renderLandingUrl(url: string, facts: LandingFacts): string {
  const pathEnd = url.search(/[?#]/)
  return url.replace(MACRO, (_macro, name: string, at: number) => {
    const value = readFact(name, facts) ?? ''
    const isInPath = pathEnd === -1 || at < pathEnd
    return isInPath && /^\.+$/.test(value) ? '' : encodeURIComponent(value)
  })
}

const isKnown = (name: string): boolean => SUB.test(name) || NAMES.some((known) => known === name)

function readFact(name: string, facts: LandingFacts): string | null {
  const sub = SUB.exec(name)
  if (sub) return facts.subs[Number(sub[1]) - 1] ?? null
  const known = NAMES.find((one) => one === name)
  return known === undefined ? null : facts[known]
}

const refusal = (message: string, fix: string): AppError =>
  new AppError('invalid_field', { field: 'landing_url', message, fix })
