import { Agent, type ClientRequest, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { toError } from '../kit/app-error.ts'
import type { Connector } from './connector.ts'
import { IDLE_PER_ORIGIN_MAX, IDLE_TOTAL_MAX, idleMsAfter } from './idle.ts'

type Callback = (error: Error | null, socket: Duplex) => void

/**
 * Kept-alive connections per origin for Node's http client, opened by our connector and handed over only when they are
 * ready. How many are open at once is bounded by the calls under way, how many idle by this agent.
 */
export class KeepAliveAgent extends Agent {
  readonly #connector: Connector
  readonly #defaults: { protocol: string; port: number }
  readonly #idle = new Map<Socket, number>()
  readonly #watched = new WeakSet<Socket>()

  constructor(protocol: 'http:' | 'https:', connector: Connector) {
    const port = protocol === 'https:' ? 443 : 80
    const origin = { protocol, defaultPort: port }
    super({ keepAlive: true, maxFreeSockets: IDLE_PER_ORIGIN_MAX, ...origin })
    this.#defaults = { protocol, port }
    this.#connector = connector
  }

  override createConnection(options: ClientRequestArgs, callback?: Callback): undefined {
    const onFailure = callback as ((error: Error) => void) | undefined
    const { protocol, port } = this.#defaults
    this.#connector
      .connect({ protocol, hostname: options.host ?? '', port: Number(options.port ?? port) })
      .then(
        (socket) => callback?.(null, socket),
        (error: unknown) => onFailure?.(toError(error)),
      )
  }

  override keepSocketAlive(socket: Socket): boolean {
    const idleMs = idleMsAfter(lastKeepAliveHeader(socket))
    if (idleMs === 0 || this.#idle.size >= IDLE_TOTAL_MAX) return false
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket)
      socket.once('close', () => this.#idle.delete(socket))
    }
    this.#idle.set(socket, performance.now() + idleMs)
    socket.setTimeout(idleMs)
    socket.unref()
    return true
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    super.reuseSocket(socket, request)
    this.#idle.delete(socket)
    socket.setTimeout(0)
  }

  /** Closes idle connections of an origin that ended or outstayed their time: after a stall of this process timers come late. */
  dropStale({ hostname, port }: URL): void {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const free = this.freeSockets[this.getName({ host, port: Number(port) || this.#defaults.port })]
    if (free === undefined) return
    const nowMs = performance.now()
    for (const socket of [...free]) {
      const isStale = !socket.writable || (this.#idle.get(socket) ?? 0) <= nowMs
      if (isStale) socket.destroy()
    }
  }
}

function lastKeepAliveHeader(socket: Socket): string | undefined {
  const { res } = (socket as { _httpMessage?: { res?: IncomingMessage } })._httpMessage ?? {}
  const hint = res?.headers['keep-alive']
  return Array.isArray(hint) ? hint[0] : hint
}
