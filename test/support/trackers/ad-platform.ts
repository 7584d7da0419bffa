import { type Received, type Receiver, type Reply, startReceiver } from '../receiver.ts'

/** An event as an ad platform took it. */
export type PlatformEvent = {
  name: string
  /** What repeats are recognised by; null where it was not sent. */
  id: string | null
  /** Unix seconds, as sent; null where it was not sent. */
  time: number | null
  /** The whole event, as sent. */
  sent: Json
}

export type AdPlatform = {
  /** Without a slash at its end. */
  url: string
  receiver: Receiver
  /** Taken and counted, repeats left out. */
  events: readonly PlatformEvent[]
  /** Taken with a good answer, and lost all the same. */
  lost: readonly { problem: string; event: PlatformEvent }[]
  close(): Promise<void>
}

export type Json = { readonly [name: string]: unknown }

export async function servePlatform(
  answer: (call: Received, taken: Taken) => Reply,
  port = 0,
): Promise<AdPlatform> {
  const taken = createTaken()
  const receiver = await startReceiver({ port, replies: (call) => answer(call, taken) })
  return {
    url: receiver.url,
    receiver,
    events: taken.events,
    lost: taken.lost,
    close: receiver.close,
  }
}

export type Taken = ReturnType<typeof createTaken>

function createTaken() {
  const events: PlatformEvent[] = []
  const lost: { problem: string; event: PlatformEvent }[] = []
  const seen = new Map<string, number>()
  return {
    events,
    lost,
    /** Counts an event unless one with the same key came less than windowMs ago. */
    count(event: PlatformEvent, key: string | null, windowMs: number): void {
      const before = key === null ? undefined : seen.get(key)
      if (before !== undefined && Date.now() - before < windowMs) return
      if (key !== null) seen.set(key, Date.now())
      events.push(event)
    },
    lose: (problem: string, event: PlatformEvent): void => void lost.push({ problem, event }),
  }
}

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object in a JSON text, or null. */
export function parseJson(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : null
  } catch {
    return null
  }
}

/** The objects in a list; null where the value is no list of objects, or an empty one. */
export const objectsIn = (value: unknown): Json[] | null =>
  Array.isArray(value) && value.length > 0 && value.every(isJson) ? value : null

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null

export const jsonReply = (status: number, body: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
