import { type Reading, type ReadingRules, readCall } from '../../../src/intake/read-call.ts'
import type { Report } from '../../../src/intake/report.ts'
import type { AppError } from '../../../src/kit/app-error.ts'

export const NOW = new Date('2024-06-01T12:00:00.000Z')

type TestCall = Partial<ReadingRules> & { query?: string; body?: string | Buffer; contentType?: string }

export function readTestCall({ query = '', body, contentType, ...rules }: TestCall): Reading {
  return readCall(
    { query, body: body === undefined ? null : Buffer.from(body), contentType: contentType ?? null },
    { paramMap: {}, statusMap: {}, timezone: 'UTC', nowMs: NOW.getTime(), ...rules },
  )
}

export function reportOf(call: TestCall): Report {
  const reading = readTestCall(call)
  if ('error' in reading) throw reading.error
  return reading.report
}

export function refusalOf(call: TestCall): AppError {
  const reading = readTestCall(call)
  if ('report' in reading) throw new Error('the call was understood')
  return reading.error
}
