import type { FastifyRequest } from 'fastify'
import { AppError, toError } from '../kit/app-error.ts'

type Done = (error: Error | null, body?: unknown) => void

const DEPTH_MAX = 50

/** Content type parser for JSON: UTF-8 only, bounded depth, no `__proto__`; an empty body is no body. */
export function readJsonBody(_request: FastifyRequest, bytes: Buffer, done: Done): void {
  let body: unknown
  try {
    body = bytes.length === 0 ? undefined : parseJson(bytes)
  } catch (error) {
    done(toError(error))
    return
  }
  done(null, body)
}

function parseJson(bytes: Buffer): unknown {
  const text = decodeUtf8(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('malformed', {
      message: 'The body is not valid JSON.',
      fix: 'Check quotes, commas and brackets of the body.',
      cause,
    })
  }
  assertPlain(value)
  return value
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('invalid_encoding', {
      message: 'The body is not valid UTF-8.',
      fix: 'Encode the body as UTF-8.',
      cause,
    })
  }
}

/** Iterative: the nesting of a hostile body must not exhaust the stack, here or in what reads the value later. */
export function assertPlain(root: unknown): void {
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX)
      throw new AppError('malformed', {
        message: `The body is nested deeper than ${DEPTH_MAX} levels.`,
        fix: 'Send a flatter body.',
      })
    level = level.flatMap(membersOf)
  }
}

function membersOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.filter((member) => typeof member === 'object')
  if (Object.hasOwn(value, '__proto__'))
    throw new AppError('invalid_field', { field: '__proto__', fix: 'Use another name.' })
  return Object.values(value).filter((member) => typeof member === 'object')
}
