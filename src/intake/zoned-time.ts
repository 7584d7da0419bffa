const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const found = formats.get(timeZone)
  if (found !== undefined) return found
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(timeZone, made)
  return made
}

/** What the zone's clocks show at a moment, minus UTC, in ms. */
function offsetMs(utcMs: number, timeZone: string): number {
  const wholeSecondMs = Math.floor(utcMs / 1000) * 1000
  const shown: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(wholeSecondMs)) shown[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecondMs
}

/**
 * Unix ms of a local time, given as if it were UTC. A time that occurs twice (clocks set back) is the first one;
 * one that never occurs (clocks set forward) is read with the offset from before the change.
 */
export function zonedToUtcMs(wallMs: number, timeZone: string): number {
  if (timeZone === 'UTC') return wallMs
  const dayMs = 24 * 3_600_000
  const before = wallMs - offsetMs(wallMs - dayMs, timeZone)
  if (before + offsetMs(before, timeZone) === wallMs) return before
  const after = wallMs - offsetMs(wallMs + dayMs, timeZone)
  return after + offsetMs(after, timeZone) === wallMs ? after : before
}
