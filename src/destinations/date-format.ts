const TOKENS = /YYYY|YY|MM|DD|HH|mm|ss|SSS|Z|X/g

type Wall = { year: number; month: number; day: number; hour: number; minute: number; second: number }

/** Whether Intl knows this IANA zone. */
export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/**
 * Compiles a pattern of YYYY YY MM DD HH mm ss SSS, Z (offset like +02:00) and X (unix seconds); other letters stand
 * for themselves. Null if the pattern holds no token.
 */
export function compileDateFormat(pattern: string, zone: string): ((date: Date) => string) | null {
  if (pattern.match(TOKENS) === null) return null
  const wallClock = zone === 'UTC' ? utcWall : zonedWall(zone)
  return (date) => {
    const wall = wallClock(date)
    return pattern.replace(TOKENS, (token) => renderToken(token, wall, date))
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

function renderToken(token: string, wall: Wall, date: Date): string {
  switch (token) {
    case 'YYYY':
      return String(wall.year).padStart(4, '0')
    case 'YY':
      return two(wall.year % 100)
    case 'MM':
      return two(wall.month)
    case 'DD':
      return two(wall.day)
    case 'HH':
      return two(wall.hour)
    case 'mm':
      return two(wall.minute)
    case 'ss':
      return two(wall.second)
    case 'SSS':
      return String(date.getUTCMilliseconds()).padStart(3, '0')
    case 'X':
      return String(Math.floor(date.getTime() / 1000))
    default:
      return renderOffset(wall, date)
  }
}

function renderOffset(wall: Wall, date: Date): string {
  const wallMs = Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second)
  const minutes = Math.round((wallMs - date.getTime()) / 60_000)
  const absolute = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}:${two(absolute % 60)}`
}

const utcWall = (date: Date): Wall => ({
  year: date.getUTCFullYear(),
  month: date.getUTCMonth() + 1,
  day: date.getUTCDate(),
  hour: date.getUTCHours(),
  minute: date.getUTCMinutes(),
  second: date.getUTCSeconds(),
})

function zonedWall(zone: string): (date: Date) => Wall {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (date) => {
    const wall: Record<string, number> = {}
    for (const part of format.formatToParts(date)) wall[part.type] = Number(part.value)
    return wall as Wall
  }
}
