import type { TemplatePart } from './template.ts'

export type UrlParameter = {
  name: readonly TemplatePart[]
  value: readonly TemplatePart[]
  hasEquals: boolean
}

/** A URL template cut at its delimiters; macros are atoms, whatever stands in their filters. */
export type UrlShape = {
  /** Lower case, without colon; empty where there is none. */
  scheme: string
  /** Host with port and credentials, as written. */
  authority: string
  /** A macro stands in the host or before it. */
  macroInAuthority: boolean
  segments: readonly (readonly TemplatePart[])[]
  parameters: readonly UrlParameter[]
  /** Null where there is no #. */
  fragment: readonly TemplatePart[] | null
}

const HEAD = /^\s*(?:([A-Za-z][A-Za-z0-9+.-]*):)?[/\\]{2}([^/\\]*)/

export function shapeUrl(parts: readonly TemplatePart[]): UrlShape {
  const [beforeFragment, fragment] = splitFirst(parts, '#')
  const [beforeQuery, query] = splitFirst(beforeFragment, '?')
  const first = beforeQuery[0]
  const head = first?.kind === 'text' ? HEAD.exec(first.text) : null
  const rest = first?.kind === 'text' && head !== null ? first.text.slice(head[0].length) : null
  const path = rest === null ? beforeQuery : [...textParts(rest), ...beforeQuery.slice(1)]
  return {
    scheme: (head?.[1] ?? '').toLowerCase(),
    authority: head?.[2] ?? '',
    macroInAuthority: head === null ? first?.kind === 'macro' : rest === '' && beforeQuery.length > 1,
    segments: withoutLeadingEmpty(splitAll(path, '/')),
    parameters: query === null ? [] : splitAll(query, '&').map(toParameter),
    fragment,
  }
}

/** The text of parts, macros as written. */
export const sourceOf = (parts: readonly TemplatePart[]): string =>
  parts.map((part) => (part.kind === 'text' ? part.text : part.source)).join('')

const textParts = (text: string): TemplatePart[] => (text === '' ? [] : [{ kind: 'text', text }])

const withoutLeadingEmpty = (segments: TemplatePart[][]): TemplatePart[][] =>
  segments.length > 0 && segments[0]?.length === 0 ? segments.slice(1) : segments

function toParameter(parts: TemplatePart[]): UrlParameter {
  const [name, value] = splitFirst(parts, '=')
  return { name, value: value ?? [], hasEquals: value !== null }
}

function splitFirst(
  parts: readonly TemplatePart[],
  delimiter: string,
): [TemplatePart[], TemplatePart[] | null] {
  for (const [index, part] of parts.entries()) {
    if (part.kind !== 'text') continue
    const at = part.text.indexOf(delimiter)
    if (at < 0) continue
    const before = [...parts.slice(0, index), ...textParts(part.text.slice(0, at))]
    return [before, [...textParts(part.text.slice(at + 1)), ...parts.slice(index + 1)]]
  }
  return [[...parts], null]
}

function splitAll(parts: readonly TemplatePart[], delimiter: string): TemplatePart[][] {
  const groups: TemplatePart[][] = [[]]
  for (const part of parts) {
    if (part.kind !== 'text') {
      groups.at(-1)?.push(part)
      continue
    }
    for (const [index, text] of part.text.split(delimiter).entries()) {
      if (index > 0) groups.push([])
      groups.at(-1)?.push(...textParts(text))
    }
  }
  return groups
}
