import { type Config, parseScheduleMs } from '../../config/schema.ts'
import type { DestinationDefinition } from '../catalogue/catalogue.ts'

const ownSchedules = new WeakMap<DestinationDefinition, readonly number[]>()

/** Waits before each retry, ms: the destination's own schedule, else RETRY_SCHEDULE. */
export function retryScheduleMs(
  config: Pick<Config, 'retryScheduleMs'>,
  definition: DestinationDefinition,
): readonly number[] {
  if (definition.retry === null) return config.retryScheduleMs
  const known = ownSchedules.get(definition)
  if (known !== undefined) return known
  const schedule = parseScheduleMs(definition.retry.schedule.join(','))
  ownSchedules.set(definition, schedule)
  return schedule
}
