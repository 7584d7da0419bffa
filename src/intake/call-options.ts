import { withoutHtmlEscape } from './parameters.ts'
import { decodeFormText } from './percent-decode.ts'

/** What a query says about the call itself. */
export type CallOptions = { token: string; isText: boolean; isDryRun: boolean }

/** Their names; they are no part of the report. */
export const OPTION_NAMES: ReadonlySet<string> = new Set(['token', 'format', 'dry_run'])

/** Reads `token`, `format=text` and `dry_run=1` from a query; the last of each counts. */
export function readCallOptions(query: string): CallOptions {
  const options = { token: '', isText: false, isDryRun: false }
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const value = pair.slice(equals + 1)
    switch (withoutHtmlEscape(pair.slice(0, equals))) {
      case 'token':
        options.token = decodeFormText(value).text
        break
      case 'format':
        options.isText = value.toLowerCase() === 'text'
        break
      case 'dry_run':
        options.isDryRun = value === '1' || value.toLowerCase() === 'true'
        break
    }
  }
  return options
}
