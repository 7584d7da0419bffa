/** One outgoing call, fully rendered. */
export type OutboundRequest = {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body: string | null
  timeoutMs: number
  /**
   * Asked when the call starts and again when the connection is ready, before bytes are written.
   * False: nothing is sent and the outcome is `not_sent`.
   */
  mayStart(): boolean
}

/** Milliseconds of each phase; null where the phase did not happen (kept-alive connection, no TLS) or not end. */
export type Timings = {
  dns: number | null
  tcp: number | null
  tls: number | null
  first_byte: number | null
  total: number
}

export type OutboundAnswer = {
  status: number
  headers: Readonly<Record<string, string>>
  /** Decompressed, decoded as UTF-8 with U+FFFD for the rest; at most 64 KiB were read. */
  body: string
  bodyTruncated: boolean
}

/** Words of `error` in attempts, logs and the `error` filter. */
export type OutboundErrorCode =
  | 'dns_failed'
  | 'address_not_public'
  | 'connect_failed'
  | 'connect_timeout'
  | 'tls_failed'
  | 'timeout'
  | 'connection_reset'
  | 'bad_answer'
  | 'redirect'
  | 'invalid_request'

export type OutboundOutcome =
  | { kind: 'answer'; answer: OutboundAnswer; timings: Timings; remoteIp: string | null }
  | { kind: 'error'; error: OutboundErrorCode; detail: string; timings: Timings; remoteIp: string | null }
  | { kind: 'not_sent' }

/** The only thing that calls out. Both clients pass one contract suite. */
export type Outbound = {
  /** Never rejects: every failure is an outcome. */
  send(request: OutboundRequest): Promise<OutboundOutcome>
  close(): Promise<void>
}
