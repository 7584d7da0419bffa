import { compileDestination } from './compile.ts'
import { compileMacro, type RenderScope } from './compile-macro.ts'
import type { CompiledUrl } from './compile-url.ts'
import { asReversal } from './event-time.ts'
import { type Finding, infoFinding, shown, warningFinding } from './findings.ts'
import { findMacro } from './macros.ts'
import { type RenderedRequest, type RenderInput, renderDelivery } from './render.ts'
import { type MacroToken, parseTemplate, SIGNATURE_MARK, type TemplatePart } from './template.ts'

/** One named value of a request: what the template says, what it is for this conversion and where that came from. */
export type PreviewPart = { parameter: string; template: string; value: string; source: string }

export type Preview = RenderedRequest & { parts: PreviewPart[]; findings: Finding[] }

/** What one delivery would send, secrets unexpanded, part by part. Throws RenderError as the delivery would. */
export function previewDelivery(input: RenderInput): Preview {
  const { recorded } = renderDelivery(input)
  const compiled = compileDestination(input.destination.definition)
  const { definition, urls, body } = compiled
  const scope: RenderScope = {
    facts: asReversal(compiled, input.facts),
    offer: input.offer,
    catalogue: input.catalogue,
    secrets: null,
  }
  const status = input.facts.status
  const sources: [parameter: string, template: string][] = [
    ['path', pathOf(definition.url_by_status[status] ?? definition.url)],
    ...queryOf(urls[status]),
    ...Object.entries(definition.headers).map(([name, text]): [string, string] => [`header ${name}`, text]),
    ...(body === null ? [] : bodyOf(definition.body ?? '', body.fields)),
  ]
  const tokens = sources.map(([parameter, template]) => ({ parameter, template, parts: partsOf(template) }))
  return {
    ...recorded,
    parts: tokens
      .filter(({ parameter, parts }) => !QUIET.includes(parameter) || parts.some(isMacro))
      .map(({ parameter, template, parts }) => ({
        parameter,
        template,
        value: parts.map((part) => valueOfPart(part, scope)).join(''),
        source: sourceOfParts(parts),
      })),
    findings: tokens.flatMap(({ parameter, parts }) => findingsOfParts(parameter, parts, scope)),
  }
}

/** Listed only where a macro makes them differ from delivery to delivery. */
const QUIET = ['path', 'body']

const isMacro = (part: TemplatePart): part is MacroToken => part.kind === 'macro'

const partsOf = (template: string): readonly TemplatePart[] => parseTemplate(template, 'lenient').parts

function pathOf(url: string): string {
  const path = /^[^:]*:\/\/[^/?#]*(\/(?:\{[^}]*\}|[^?#])*)?/.exec(url)?.[1]
  return path ?? '/'
}

const queryOf = (url: CompiledUrl): [string, string][] =>
  url.parameters.map(({ name, template }) => [name, template])

function bodyOf(body: string, fields: readonly { name: string; template: string }[]): [string, string][] {
  const named = fields.map(({ name, template }): [string, string] => [`body ${name}`, template])
  const others = partsOf(body)
    .filter(isMacro)
    .filter((token) => !fields.some(({ template }) => template === token.source))
    .map((token): [string, string] => ['body', token.source])
  return [...named, ...others]
}

function valueOfPart(part: TemplatePart, scope: RenderScope): string {
  if (part.kind === 'text') return part.text
  if (part.source === SIGNATURE_MARK) return part.source
  const piece = compileMacro(withoutRaw(part), 'text')
  return typeof piece === 'function' ? piece(scope) : part.source
}

const withoutRaw = (token: MacroToken): MacroToken => ({
  ...token,
  filters: token.filters.filter(({ name }) => name !== 'raw'),
})

function sourceOfParts(parts: readonly TemplatePart[]): string {
  const sources = parts.filter(isMacro).map((token) => {
    if (token.name === 'secret') return `secret ${token.arg}`
    if (token.name === 'signature') return 'signature'
    return findMacro(token.name, token.arg)?.source ?? 'unknown'
  })
  return sources.length === 0 ? 'template' : [...new Set(sources)].join(', ')
}

function findingsOfParts(parameter: string, parts: readonly TemplatePart[], scope: RenderScope): Finding[] {
  return parts.filter(isMacro).flatMap((token) => {
    const sharedAs = findMacro(token.name, token.arg)?.sharedAs
    if (sharedAs !== undefined && !sharedAs.some((name) => scope.offer.shared.includes(name)))
      return [
        warningFinding(
          'not_shared',
          `${shown(token.source)} goes out empty: the offer does not share it with affiliates.`,
          `Ask the network to add ${sharedAs.at(-1)} to shared of the offer, or remove the macro.`,
        ),
      ]
    const isEmpty = token.name !== 'secret' && token.name !== 'signature' && valueOfPart(token, scope) === ''
    return isEmpty
      ? [
          infoFinding(
            'empty_value',
            `${shown(parameter)} goes out empty: this conversion has no ${shown(token.name)}.`,
            'Use |default:... if the receiver needs a value.',
          ),
        ]
      : []
  })
}
