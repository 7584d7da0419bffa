import { BadSetting, parseScheduleMs } from '../../config/schema.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'
import { errorFinding, type Finding, shown } from './findings.ts'
import { DELAY_SECONDS_MAX } from './schema.ts'

const RETRY_MS_MAX = 7 * 24 * 3_600_000
const RATE_MIN = 0.02
const RATE_MAX = 2000
const CONCURRENCY_MAX = 100
const SECRET_NAME = /^[A-Za-z0-9_]{1,64}$/
const TEXT_MAX = 500

/** Checks the fields that hold no template; those are checked by compiling them. */
export function checkFields(definition: DestinationDefinition): Finding[] {
  return [
    ...checkBody(definition),
    ...checkSelection(definition),
    ...checkSecretNames(definition),
    ...checkSuccess(definition.success),
    ...checkRetry(definition.retry),
    ...checkDelay(definition.delay_seconds),
    ...checkLimits(definition),
  ]
}

function checkBody({ method, body, content_type }: DestinationDefinition): Finding[] {
  if (method === 'GET' && body !== null)
    return [
      errorFinding(
        'body_needs_post',
        'A GET carries no body.',
        'Send method POST, or put the values in the URL.',
      ),
    ]
  if (content_type === null) return []
  if (body === null)
    return [
      errorFinding('content_type_without_body', 'There is no body to describe.', 'Remove content_type.'),
    ]
  return /^[\w!#$&^.+-]{1,80}\/[\w!#$&^.+-]{1,80}(?: ?; ?[\w-]{1,40}=[\w."-]{1,80})?$/.test(content_type)
    ? []
    : [
        errorFinding(
          'content_type',
          `"${shown(content_type)}" is no content type.`,
          'Write one like application/json.',
        ),
      ]
}

function checkSelection({ statuses, events }: DestinationDefinition): Finding[] {
  const findings: Finding[] = []
  if (statuses.length === 0)
    findings.push(
      errorFinding(
        'statuses',
        'Without a status nothing would ever be sent.',
        'Name at least one of pending, approved, rejected; to stop sending, pause the destination.',
      ),
    )
  const long = events.find((event) => event.trim() === '' || event.length > 128)
  if (long !== undefined)
    findings.push(
      errorFinding('events', `"${shown(long)}" is no event name.`, 'An event has 1 to 128 characters.'),
    )
  return findings
}

function checkSecretNames({ secrets }: DestinationDefinition): Finding[] {
  return Object.keys(secrets)
    .filter((name) => !SECRET_NAME.test(name))
    .map((name) =>
      errorFinding(
        'secret_name',
        `"${shown(name)}" is no name for a secret.`,
        'Use up to 64 letters, digits and underscores.',
      ),
    )
}

function checkSuccess(success: DestinationDefinition['success']): Finding[] {
  if (success === null) return []
  const findings: Finding[] = []
  const odd = (success.statuses ?? []).find(
    (status) => !Number.isInteger(status) || status < 100 || status > 599,
  )
  if (odd !== undefined || success.statuses?.length === 0)
    findings.push(successFinding('statuses holds HTTP statuses from 100 to 599, at least one'))
  for (const text of [success.body_contains, success.body_not_contains])
    if (text !== undefined && (text === '' || text.length > TEXT_MAX))
      findings.push(successFinding(`body_contains and body_not_contains hold 1 to ${TEXT_MAX} characters`))
  if (success.json !== undefined && !/^[\w-]{1,64}(?:\.[\w-]{1,64}){0,15}$/.test(success.json.path))
    findings.push(successFinding('json.path is names and numbers joined by dots, like data.0.code'))
  return findings
}

const successFinding = (what: string): Finding =>
  errorFinding(
    'success',
    `The success rule can not work: ${what}.`,
    'Correct the rule; texts are compared as they are, there are no patterns.',
  )

function checkRetry(retry: DestinationDefinition['retry']): Finding[] {
  if (retry === null) return []
  const problem = scheduleProblem(retry.schedule)
  return problem === null
    ? []
    : [errorFinding('retry_schedule', `retry.schedule ${problem}.`, 'Write it like ["30s","10m","2h"].')]
}

function scheduleProblem(schedule: readonly string[]): string | null {
  if (schedule.some((entry) => entry.includes(','))) return 'holds one duration per entry'
  try {
    const waits = parseScheduleMs(schedule.join(','))
    if (waits.length !== schedule.length) return 'holds an empty entry'
    return waits.some((wait) => wait > RETRY_MS_MAX) ? 'holds a wait of more than 7 days' : null
  } catch (error) {
    if (error instanceof BadSetting) return error.message
    throw error
  }
}

function checkDelay(seconds: number): Finding[] {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= DELAY_SECONDS_MAX) return []
  return [
    errorFinding(
      'delay_seconds',
      `delay_seconds is a whole number from 0 to ${DELAY_SECONDS_MAX} (30 days).`,
      'Correct the number.',
    ),
  ]
}

function checkLimits({ rate_limit, concurrency }: DestinationDefinition): Finding[] {
  const findings: Finding[] = []
  if (rate_limit !== undefined && !isRate(rate_limit.per_second))
    findings.push(
      errorFinding(
        'rate_limit',
        `rate_limit.per_second is a whole number from 1 to ${RATE_MAX}, or from ${RATE_MIN} to 1 for less than one call a second.`,
        'Correct the number (0.2 is one call in five seconds), or leave rate_limit out for no limit.',
      ),
    )
  if (concurrency !== undefined && !(isCount(concurrency) && concurrency <= CONCURRENCY_MAX))
    findings.push(
      errorFinding(
        'concurrency',
        `concurrency is a whole number from 1 to ${CONCURRENCY_MAX}.`,
        'Correct the number, or leave concurrency out for 10 calls per worker process.',
      ),
    )
  return findings
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1
const isRate = (perSecond: number): boolean =>
  perSecond < 1 ? perSecond >= RATE_MIN : isCount(perSecond) && perSecond <= RATE_MAX
