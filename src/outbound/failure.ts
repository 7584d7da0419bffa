import type { OutboundErrorCode, Timings } from './outbound.ts'

/** What is known of a connection: the address dialled, and how long its phases took (null: did not happen or not end). */
export type ConnectionFacts = { remoteIp: string | null } & Pick<Timings, 'dns' | 'tcp' | 'tls'>

/** A call that failed, in a word for programs and a sentence for people. */
export class OutboundFailure extends Error {
  readonly code: OutboundErrorCode
  readonly facts: ConnectionFacts | null

  constructor(code: OutboundErrorCode, detail: string, facts: ConnectionFacts | null = null) {
    super(detail)
    this.name = 'OutboundFailure'
    this.code = code
    this.facts = facts
  }
}

type Known = readonly [code: OutboundErrorCode, detail: string]

const CLOSED_EARLY: Known = [
  'connection_reset',
  'the receiver closed the connection before its answer was complete',
]
const CLOSING: Known = ['connection_reset', 'the relay is closing']
const NOT_HTTP: Known = ['bad_answer', 'the answer is not valid HTTP']
const HEADERS_TOO_LARGE: Known = ['bad_answer', 'the answer has more than 16 KiB of headers']
const OUT_OF_SOCKETS: Known = ['connect_failed', 'this machine has no more sockets or ports']

/** Error codes of Node's net, DNS and http, and of undici. */
const KNOWN: Readonly<Record<string, Known>> = {
  ECONNREFUSED: ['connect_failed', 'connection refused'],
  EHOSTUNREACH: ['connect_failed', 'no route to the host'],
  ENETUNREACH: ['connect_failed', 'the network is unreachable'],
  EACCES: ['connect_failed', 'this machine forbids the connection'],
  EPERM: ['connect_failed', 'this machine forbids the connection'],
  EMFILE: OUT_OF_SOCKETS,
  ENFILE: OUT_OF_SOCKETS,
  EADDRNOTAVAIL: OUT_OF_SOCKETS,
  UND_ERR_DESTROYED: CLOSING,
  UND_ERR_CLOSED: CLOSING,
  ETIMEDOUT: ['connect_timeout', 'the connection timed out'],
  ECONNRESET: CLOSED_EARLY,
  ECONNABORTED: CLOSED_EARLY,
  EPIPE: CLOSED_EARLY,
  UND_ERR_SOCKET: CLOSED_EARLY,
  UND_ERR_INFO: CLOSED_EARLY,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: NOT_HTTP,
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: CLOSED_EARLY,
  HPE_INVALID_EOF_STATE: CLOSED_EARLY,
  HPE_HEADER_OVERFLOW: HEADERS_TOO_LARGE,
  UND_ERR_HEADERS_OVERFLOW: HEADERS_TOO_LARGE,
  ENOTFOUND: ['dns_failed', 'no such host'],
  ENODATA: ['dns_failed', 'the host has no address'],
  ESERVFAIL: ['dns_failed', 'the name server failed'],
  EREFUSED: ['dns_failed', 'the name server refused to answer'],
  EAI_AGAIN: ['dns_failed', 'the name server does not answer'],
}

const INVALID_REQUEST =
  /^(ERR_INVALID_(CHAR|URL|ARG_\w+|HTTP_TOKEN|PROTOCOL)|ERR_HTTP_INVALID_\w+|ERR_UNESCAPED_CHARACTERS|UND_ERR_INVALID_ARG)$/

/** What ends connections that are still being made when the program stops. */
export const relayCloses = (): OutboundFailure => new OutboundFailure(...CLOSING)

/** undici reports unasked answers (100, 101) as an error of the socket. */
const isUndiciRefusal = (error: Error, code: string): boolean =>
  code === 'UND_ERR_SOCKET' && /^bad (response|upgrade)$/.test(error.message)

/** Any error of a client as a failure; null if it is none that a receiver or a network can cause, so a bug of ours. */
export function toFailure(error: unknown): OutboundFailure | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof OutboundFailure) return cause
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
    const known = isUndiciRefusal(cause, code) ? NOT_HTTP : KNOWN[code]
    if (known) return new OutboundFailure(...known)
    if (INVALID_REQUEST.test(code)) return new OutboundFailure('invalid_request', cause.message)
    // After the handshake, which has its own sentences: a certificate of ours is wanted, a record is damaged.
    if (code.startsWith('ERR_SSL_'))
      return new OutboundFailure('connection_reset', `the receiver broke the encrypted connection (${code})`)
    if (code.startsWith('HPE_') || cause.name === 'HTTPParserError') return new OutboundFailure(...NOT_HTTP)
  }
  return null
}
