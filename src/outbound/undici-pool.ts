import type { Socket } from 'node:net'
import { Client } from 'undici'
import { toError } from '../kit/app-error.ts'
import { HEADER_BYTES_MAX } from './call.ts'
import type { Connector } from './connector.ts'
import { IDLE_MARGIN_MS, IDLE_MS, IDLE_PER_ORIGIN_MAX, IDLE_TOTAL_MAX, idleMsAfter } from './idle.ts'

/** One undici client with at most one connection, used by one call at a time. */
export type Slot = {
  readonly client: Client
  readonly origin: string
  /** Null until it is connected. */
  socket: Socket | null
  idleUntilMs: number
}

/**
 * Kept-alive connections per origin for undici. undici's own pool does not say on which connection a call runs, and
 * keeps any number of idle ones.
 */
export type UndiciPool = {
  /** An idle connection of the origin, or a new one that is not connected yet. */
  take(url: URL): Slot
  /** Gives a slot back after a whole answer with this Keep-Alive header. */
  keep(slot: Slot, keepAlive: string | undefined): void
  /** Closes its connection and fails what is under way on it. */
  drop(slot: Slot): void
  close(): Promise<void>
}

export function createUndiciPool(connector: Connector): UndiciPool {
  const idle = new Map<string, Slot[]>()
  const slots = new Set<Slot>()
  let idleCount = 0

  function removeIdle(slot: Slot): void {
    const list = idle.get(slot.origin)
    const index = list?.indexOf(slot) ?? -1
    if (list === undefined || index === -1) return
    list.splice(index, 1)
    idleCount--
    if (list.length === 0) idle.delete(slot.origin)
  }

  function drop(slot: Slot): void {
    removeIdle(slot)
    slots.delete(slot)
    slot.client.destroy().catch(() => {})
  }

  function open(url: URL): Slot {
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    const target = { protocol: url.protocol, hostname: url.hostname, port }
    const client = new Client(url.origin, {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: HEADER_BYTES_MAX,
      connect: (_options, callback) => {
        connector.connect(target).then(
          (socket) => {
            slot.socket = socket
            callback(null, socket)
            // After undici's own listener, which knows why a call under way failed.
            socket.once('close', () => drop(slot))
          },
          (error: unknown) => callback(toError(error), null),
        )
      },
    })
    const slot: Slot = { client, origin: url.origin, socket: null, idleUntilMs: 0 }
    slots.add(slot)
    return slot
  }

  return {
    take: (url) => {
      for (;;) {
        const slot = idle.get(url.origin)?.at(-1)
        if (slot === undefined) return open(url)
        removeIdle(slot)
        if (slot.socket?.writable && slot.idleUntilMs > performance.now()) return slot
        drop(slot)
      }
    },
    keep: (slot, keepAlive) => {
      const idleMs = idleMsAfter(keepAlive)
      const list = idle.get(slot.origin) ?? []
      const isRoom = list.length < IDLE_PER_ORIGIN_MAX && idleCount < IDLE_TOTAL_MAX
      if (idleMs === 0 || !isRoom || !slots.has(slot)) return drop(slot)
      slot.idleUntilMs = performance.now() + idleMs
      idle.set(slot.origin, list)
      list.push(slot)
      idleCount++
    },
    drop,
    close: async () => {
      await Promise.all([...slots].map((slot) => slot.client.destroy()))
      slots.clear()
      idle.clear()
    },
  }
}
