type Frame = { open: '{' | '['; members: string[]; key: string | null }

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g
const CLOSES = { '{': '}', '[': ']' } as const

/**
 * JSON text without its empty texts and nulls, nor objects and lists that hold nothing else. Works on the text, so every
 * other value stays as it is escaped: what must not look like {secret:NAME} still does not.
 */
export function omitEmpty(json: string): string {
  const frames: Frame[] = []
  let root = '{}'
  const put = (value: string): void => {
    const frame = frames.at(-1)
    if (frame === undefined) root = value === '' ? '{}' : value
    else {
      if (value !== '') frame.members.push(frame.open === '{' ? `${frame.key}:${value}` : value)
      frame.key = null
    }
  }
  for (const token of json.match(TOKEN) ?? []) {
    const frame = frames.at(-1)
    if (token === '{' || token === '[') frames.push({ open: token, members: [], key: null })
    else if (token === '}' || token === ']') {
      frames.pop()
      put(frame === undefined || frame.members.length === 0 ? '' : wrap(frame))
    } else if (token === ',' || token === ':') continue
    else if (frame?.open === '{' && frame.key === null) frame.key = token
    else put(token === '""' || token === 'null' ? '' : token)
  }
  return root
}

const wrap = ({ open, members }: Frame): string => `${open}${members.join(',')}${CLOSES[open]}`
