import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from '../../config/schema.ts'

/** Fields that hold a secret or a person's data, in any spelling (case, `_` and `-` do not count). */
const MASKED = new Set(
  [
    'authorization cookie setCookie token key apiKey adminKey secretsKey secret secrets signingSecret password',
    'signature xSignature webhookSignature databaseUrl redisUrl outboundProxy',
    'url path query body headers params ip userAgent email',
  ].flatMap((line) => line.toLowerCase().split(' ')),
)
const MASK = '[masked]'
const DEPTH_MAX = 5

/**
 * The program's log: JSON lines on standard output. Whatever a line carries, secrets, personal data, and URLs, bodies
 * and headers of partners come out masked, at any depth; credentials and postback tokens are cut out of texts too.
 */
export function createLog(config: Pick<Config, 'logLevel' | 'role'>, stream?: DestinationStream): Logger {
  const options = {
    level: config.logLevel,
    base: { role: config.role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (line: Record<string, unknown>) => maskFields(line, 0),
    },
    serializers: { err: (value: unknown) => value },
    // Bindings of a child pass no formatter.
    redact: { paths: ['token', 'key', 'secret', 'password', 'authorization'], censor: MASK },
    hooks: { streamWrite: maskText },
  }
  return stream === undefined ? pino(options) : pino(options, stream)
}

const isMasked = (name: string): boolean => MASKED.has(name.replace(/[_-]/g, '').toLowerCase())

function maskFields(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value !== null && isMasked(name) ? MASK : maskValue(value, depth + 1),
    ]),
  )
}

function maskValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Error) return toLoggedError(value, depth)
  if (depth > DEPTH_MAX) return MASK
  return Array.isArray(value) ? value.map((entry) => maskValue(entry, depth + 1)) : maskFields(value, depth)
}

/** An error without what Postgres adds about the row (`detail`, `where`, `parameters`): that is partners' data. */
function toLoggedError(error: Error, depth: number): unknown {
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    message: error.message,
    stack: error.stack,
    ...(error.cause !== undefined && { cause: maskValue(error.cause, depth + 1) }),
  }
}

/** Cuts credentials of URLs and tokens of postback paths out of a text; a line of JSON stays one. */
const maskText = (text: string): string =>
  text
    .replace(/:\/\/[^@\s/"]+@/g, `://${MASK}@`)
    .replace(/(\/postback\/|[?&]token=)[^\s/?&"'\\]+/g, `$1${MASK}`)
