import { ERROR_CODES, type ErrorCodeName } from './error-codes.ts'

type Details = {
  message?: string
  field?: string
  fix?: string
  /** Further public fields of the error object, e.g. findings or conversions. */
  extra?: Record<string, unknown>
  /** Seconds, becomes the Retry-After header. */
  retryAfterS?: number
  cause?: unknown
}

/** A refusal that the caller is told, by a code of the catalogue. Its cause never leaves the process. */
export class AppError extends Error {
  readonly code: ErrorCodeName
  readonly status: number
  readonly field: string | undefined
  readonly fix: string | undefined
  readonly extra: Record<string, unknown>
  readonly retryAfterS: number | undefined

  constructor(code: ErrorCodeName, details: Details = {}) {
    super(details.message ?? ERROR_CODES[code].message, { cause: details.cause })
    this.name = 'AppError'
    this.code = code
    this.status = ERROR_CODES[code].status
    this.field = details.field
    this.fix = details.fix ?? ERROR_CODES[code].fix
    this.extra = details.extra ?? {}
    this.retryAfterS = details.retryAfterS ?? (this.status === 503 ? 1 : undefined)
  }

  /** The `error` object that every refusal answers with (docs/errors.md). */
  toWire(requestId: string): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...(this.field !== undefined && { field: this.field }),
      ...(this.fix !== undefined && { fix: this.fix }),
      request_id: requestId,
      ...this.extra,
    }
  }
}

export const toError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)))
