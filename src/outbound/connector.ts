import { isIP, type Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Config } from '../../config/schema.ts'
import { bareHostname } from './addresses.ts'
import { type ConnectionFacts, OutboundFailure, toFailure } from './failure.ts'
import { createDnsResolve, createVettedResolve, type Resolve } from './resolve.ts'
import { type Destroyable, openFirst, openTcp, type Track } from './tcp.ts'
import { createTlsUpgrade } from './tls.ts'
import { createTunnel } from './tunnel.ts'
import { within } from './within.ts'

export type ConnectorParts = {
  config: Pick<Config, 'outboundAllowCidrs' | 'outboundProxy' | 'deliveryTimeoutMs'>
  /** How names become addresses; tests bring their own. */
  resolve?: Resolve
  /** Trusted roots (PEM) instead of Node's own. */
  ca?: string
}

/** What a client of deliveries is made of. */
export type OutboundParts = Omit<ConnectorParts, 'config'> & {
  config: ConnectorParts['config'] & Pick<Config, 'version'>
  log: Pick<Logger, 'error'>
}

export type Target = { protocol: string; hostname: string; port: number }

/** The only place that opens connections to receivers: what it dials is an address that was vetted. */
export type Connector = {
  /** A connection on which a request can be written at once. Rejects with OutboundFailure. */
  connect(target: Target): Promise<Socket>
  /** What is known of a connection of ours. The times are told once, to the first call on it. */
  takeFacts(socket: Socket): ConnectionFacts
  /** Ends all connections, those under way too. */
  close(): void
}

const PHASE_MS_MAX = 4000
const NO_FACTS: ConnectionFacts = { remoteIp: null, dns: null, tcp: null, tls: null }

export function createConnector({ config, resolve = createDnsResolve(), ca }: ConnectorParts): Connector {
  const vettedResolve = createVettedResolve(resolve, config.outboundAllowCidrs)
  const openSocket = config.outboundProxy === null ? openTcp : createTunnel(config.outboundProxy)
  const upgrade = createTlsUpgrade(ca)
  const known = new WeakMap<Socket, ConnectionFacts>()
  const live = new Set<Destroyable>()
  const track: Track = (thing) => {
    live.add(thing)
    thing.once('close', () => live.delete(thing))
  }
  // Below half of the total, so that a dead phase is named and not only the total.
  const phaseMs = Math.min(PHASE_MS_MAX, Math.ceil(config.deliveryTimeoutMs * 0.45))

  async function open(target: Target, facts: ConnectionFacts): Promise<Socket> {
    const startedMs = performance.now()
    const addresses = await within(phaseMs, vettedResolve(target.hostname), () => {
      throw new OutboundFailure('dns_failed', `${target.hostname}: the name server does not answer`)
    })
    const isName = isIP(bareHostname(target.hostname)) === 0
    const resolvedMs = performance.now()
    if (isName) facts.dns = resolvedMs - startedMs
    const tcp = await openFirst(addresses, phaseMs, (ip, limitMs) => {
      facts.remoteIp = ip
      return openSocket({ ip, port: target.port, limitMs, track })
    })
    const connectedMs = performance.now()
    facts.tcp = connectedMs - resolvedMs
    if (target.protocol !== 'https:') return tcp
    const secured = await upgrade({
      socket: tcp,
      hostname: target.hostname,
      port: target.port,
      limitMs: phaseMs,
    })
    facts.tls = performance.now() - connectedMs
    return secured
  }

  return {
    connect: async (target) => {
      const facts = { ...NO_FACTS }
      try {
        const socket = await open(target, facts)
        known.set(socket, facts)
        return socket
      } catch (error) {
        const failure = toFailure(error)
        if (failure === null) throw error
        throw new OutboundFailure(failure.code, failure.message, facts)
      }
    },
    takeFacts: (socket) => {
      const facts = known.get(socket) ?? { ...NO_FACTS, remoteIp: socket.remoteAddress ?? null }
      known.set(socket, { ...NO_FACTS, remoteIp: facts.remoteIp })
      return facts
    },
    close: () => {
      for (const thing of live) thing.destroy()
    },
  }
}
