// Reads the subset of the Dockerfile syntax that ours uses. Throws on anything else, so that no step is passed over.

/**
 * The stages in order, each `{name, from, steps: [{op, args, flags, json}]}`; `json` is the list of the exec form, or
 * null where `args` is for a shell.
 */
export function parseDockerfile(text) {
  const stages = []
  for (const line of joinLines(text)) {
    const [, op, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? refuse(line)
    if (op === 'FROM') stages.push(toStage(rest))
    else (stages.at(-1) ?? refuse(line)).steps.push(toStep(op, rest))
  }
  return stages
}

const KNOWN = new Set(['WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'HEALTHCHECK', 'CMD'])

const refuse = (line) => {
  throw new Error(`not understood in the Dockerfile: ${line}`)
}

/** Without comments; a line that ends in a backslash goes on in the next. */
function joinLines(text) {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function toStage(rest) {
  const [, from, name = ''] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? refuse(rest)
  return { name, from, steps: [] }
}

function toStep(op, rest) {
  if (!KNOWN.has(op)) refuse(`${op} ${rest}`)
  const flags = {}
  const args = rest.replace(/^(?:--[a-z-]+=\S+\s+)+/, (given) => {
    for (const [, name, value] of given.matchAll(/--([a-z-]+)=(\S+)/g)) flags[name] = value
    return ''
  })
  const command = op === 'HEALTHCHECK' ? args.replace(/^CMD\s+/, '') : args
  return { op, args: command, flags, json: command.startsWith('[') ? JSON.parse(command) : null }
}

/** `NAME=value NAME=value` as an object. */
export const parseEnv = (args) =>
  Object.fromEntries(
    args.split(/\s+/).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )
