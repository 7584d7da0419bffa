const NAME = '[A-Za-z_][\\w.:|-]{0,63}'
const GUID = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i

/** Styles that only count where they are the whole value, since their signs occur in real ids. */
const WHOLE = new RegExp(
  `^(?:#${NAME}#|\\[=?${NAME}=?\\]|%{1,2}${NAME}%{1,2}|<${NAME}>|(?:REPLACE(?!MENT)|OPTIONAL)(?:$|[^a-z0-9].*|[A-Z].*))$`,
)
const LOWER_CASE_WORD = /^(?:replace(?!ment)|optional)(?:[_ -]?(?:me|this|here|with|by).*)?$/i
const BRACES = /[{]([^{}]*)[}]/
const ENCODED_BRACES = /%(?:25)*7b(.*?)%(?:25)*7d/i
const TEXT_MAX = 500

/**
 * True for a placeholder that the sending system never replaced: `{clickid}`, `{{x}}`, `${x}`, `#s1#`, `[x]`, `[=x=]`,
 * `%x%`, `<x>`, `REPLACE...`, and braces that were percent-encoded twice. A GUID in braces is an id, `REPLACEMENT-7` too.
 */
export function isUnreplacedMacro(text: string): boolean {
  const value = text.slice(0, TEXT_MAX)
  const braces = BRACES.exec(value) ?? ENCODED_BRACES.exec(value)
  if (braces !== null) return !GUID.test(braces[1] ?? '')
  return WHOLE.test(value) || LOWER_CASE_WORD.test(value)
}
