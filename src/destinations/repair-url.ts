import { type Finding, infoFinding, warningFinding } from './findings.ts'

export type Repair = { text: string; findings: readonly Finding[] }

const ENCODED_BRACES = /%(?:25){0,3}7[Bb]([A-Za-z_][A-Za-z0-9_:|=,.*-]{0,80})%(?:25){0,3}7[Dd]/g

/** Line breaks of a wrapped mail; zero-width spaces, soft hyphens and marks of direction of chats and web pages. */
const INVISIBLE = /[\t\r\n\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g

type Mend = { code: string; mend(text: string): string; message: string; fix: string }

/** What goes wrong between copying and pasting, each mended in place. Order matters: what can not be seen, braces, delimiters. */
const MENDS: readonly Mend[] = [
  {
    code: 'invisible_characters',
    mend: (text) => text.replace(INVISIBLE, ''),
    message: 'The URL holds line breaks or characters that can not be seen.',
    fix: 'They were left out.',
  },
  {
    code: 'encoded_braces',
    mend: (text) => text.replace(ENCODED_BRACES, '{$1}'),
    message: 'The braces of a macro were percent-encoded.',
    fix: 'Paste the URL from a plain text field; it was read as {macro}.',
  },
  {
    code: 'html_escaped',
    mend: (text) => text.replaceAll('&amp;', '&'),
    message: 'The URL holds &amp; from a web page.',
    fix: 'It was read as &.',
  },
  {
    code: 'ampersand_for_question_mark',
    mend: mendFirstAmpersand,
    message: 'The parameters start with & instead of ?.',
    fix: 'The first & was read as ?.',
  },
  {
    code: 'double_question_mark',
    mend: mendSecondQuestionMark,
    message: 'There is more than one ? in the URL.',
    fix: 'The second one was read as &.',
  },
  {
    code: 'space_in_url',
    mend: trimParameters,
    message: 'There are spaces around names or values.',
    fix: 'They were left out.',
  },
]

export function repairUrl(given: string): Repair {
  const findings: Finding[] = []
  let text = given.trim()
  if (text !== given)
    findings.push(infoFinding('spaces_trimmed', 'Spaces around the URL were left out.', 'Nothing to do.'))
  for (const { code, mend, message, fix } of MENDS) {
    const mended = mend(text)
    if (mended === text) continue
    findings.push(warningFinding(code, message, fix))
    text = mended
  }
  return { text, findings }
}

function mendFirstAmpersand(text: string): string {
  const at = outsideBraces(text, '&')
  return at < 0 || outsideBraces(text, '?') >= 0 ? text : `${text.slice(0, at)}?${text.slice(at + 1)}`
}

/** `?a=1?b=2`; a ? inside a nested address (`?to=https://x/?y=1`, `?to=/x?y=1`) or a text (`?msg=Paid?`) stays. */
function mendSecondQuestionMark(text: string): string {
  const first = outsideBraces(text, '?')
  if (first < 0) return text
  const second = outsideBraces(text, '?', first + 1)
  if (second < 0) return text
  const isInAddress = text.slice(text.lastIndexOf('=', second), second).includes('/')
  const isBeforeParameter = /^\??[^?&=/]+=/.test(text.slice(second + 1))
  if (isInAddress || !isBeforeParameter) return text
  return text.slice(0, second) + (second === first + 1 ? '' : '&') + text.slice(second + 1)
}

function trimParameters(text: string): string {
  const at = outsideBraces(text, '?')
  if (at < 0 || !/\s/.test(text)) return text
  const parameters = text
    .slice(at + 1)
    .split('&')
    .map(trimParameter)
  return `${text.slice(0, at).trimEnd()}?${parameters.join('&')}`
}

function trimParameter(text: string): string {
  const equals = text.indexOf('=')
  return equals < 0 ? text.trim() : `${text.slice(0, equals).trim()}=${text.slice(equals + 1).trim()}`
}

function outsideBraces(text: string, char: string, from = 0): number {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}') depth = Math.max(0, depth - 1)
    else if (depth === 0 && text[i] === char) return i
  }
  return -1
}
