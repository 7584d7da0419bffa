import type { Socket } from 'node:net'
import { toError } from '../kit/app-error.ts'
import { toStorableText } from '../kit/text.ts'
import { BodyBytes, decodeBody } from './answer-body.ts'
import type { Connector } from './connector.ts'
import { type ConnectionFacts, OutboundFailure, toFailure } from './failure.ts'
import type { OutboundOutcome, OutboundRequest, Timings } from './outbound.ts'
import { toHeaders, toUrl } from './prepare.ts'

/** Largest head of an answer that is read. */
export const HEADER_BYTES_MAX = 16 * 1024

/** Turns of the event loop in which what arrived is read before a call is given up: head, body, end. */
const READ_TURNS = 4

const tenths = (ms: number): number => Math.round(ms * 10) / 10
const tenthsOrNull = (ms: number | null): number | null => (ms === null ? null : tenths(ms))

type Parts = { connector: Pick<Connector, 'takeFacts'>; userAgent: string; onBug: (error: Error) => void }

/**
 * One outgoing call while it is under way: what all clients share. A client reports what happens; the first thing that
 * decides the outcome ends the call, and everything after it is ignored.
 */
export class Call {
  readonly request: OutboundRequest
  readonly url: URL
  /** Lower case names, with the relay's own defaults. */
  readonly headers: Readonly<Record<string, string>>
  readonly #parts: Parts
  readonly #settle: (outcome: OutboundOutcome) => void
  readonly #startedMs = performance.now()
  readonly #body = new BodyBytes()
  readonly #timer: NodeJS.Timeout
  #stop: () => void = () => {}
  #facts: ConnectionFacts | null = null
  #readyMs: number | null = null
  #firstByteMs: number | null = null
  #head: { status: number; headers: Record<string, string> } | null = null
  #isOver = false
  /** The answer is there and is only being decoded: what happens to its connection now changes nothing. */
  #isRead = false

  /** Throws OutboundFailure for a request that can not be sent. */
  constructor(request: OutboundRequest, parts: Parts, settle: (outcome: OutboundOutcome) => void) {
    this.request = request
    this.url = toUrl(request.url)
    this.headers = toHeaders(request.headers, parts.userAgent)
    this.#parts = parts
    this.#settle = settle
    this.#timer = setTimeout(() => this.#endUnlessRead(READ_TURNS), request.timeoutMs)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** How the client's part of the call is torn down when it ends early. */
  onStop(stop: () => void): void {
    this.#stop = stop
    if (this.#isOver) stop()
  }

  /** The connection is ready. False: the call is over, or may no longer start; nothing may be written. */
  ready(socket: Socket): boolean {
    if (this.#isOver) return false
    if (performance.now() - this.#startedMs >= this.request.timeoutMs) {
      this.fail(this.#tooLate())
      return false
    }
    if (!this.request.mayStart()) {
      this.#end({ kind: 'not_sent' }, true)
      return false
    }
    this.#facts = this.#parts.connector.takeFacts(socket)
    this.#readyMs = performance.now()
    return true
  }

  answered(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    if (this.#isOver) return
    this.#firstByteMs = performance.now()
    this.#head = { status, headers: toFlatHeaders(headers) }
  }

  chunk(bytes: Uint8Array): void {
    if (this.#isOver || this.#isRead || this.#body.add(bytes)) return
    this.complete()
    this.#stop()
  }

  /** The answer is complete, or as much of it was read as is ever read. */
  complete(): void {
    const head = this.#head
    if (this.#isOver || this.#isRead || head === null) return
    this.#isRead = true
    clearTimeout(this.#timer)
    decodeBody(this.#body, head.headers['content-encoding']).then(
      ({ text, isCut }) =>
        this.#end({
          kind: 'answer',
          answer: { ...head, body: text, bodyTruncated: isCut },
          timings: this.#timings(),
          remoteIp: this.#facts?.remoteIp ?? null,
        }),
      (error: unknown) => this.#failWith(error),
    )
  }

  fail(error: unknown): void {
    if (!this.#isRead) this.#failWith(error)
  }

  #failWith(error: unknown): void {
    if (this.#isOver) return
    const failure = toFailure(error) ?? this.#bug(toError(error))
    this.#facts ??= failure.facts
    this.#end(
      {
        kind: 'error',
        error: failure.code,
        detail: toStorableText(failure.message),
        timings: this.#timings(),
        remoteIp: this.#facts?.remoteIp ?? null,
      },
      true,
    )
  }

  /**
   * In a process that was frozen or starved, timers that are due come before the sockets: an answer that arrived in time
   * lies there still, and giving it up would tell the receiver twice.
   */
  #endUnlessRead(turns: number): void {
    if (this.#isOver) return
    if (turns === 0) this.fail(this.#tooLate())
    else setImmediate(() => this.#endUnlessRead(turns - 1))
  }

  #end(outcome: OutboundOutcome, stop = false): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    if (stop) this.#stop()
    this.#settle(outcome)
  }

  #bug(error: Error): OutboundFailure {
    this.#parts.onBug(error)
    const code = this.#head === null ? 'connection_reset' : 'bad_answer'
    return new OutboundFailure(code, `unexpected: ${error.message}`)
  }

  #tooLate(): OutboundFailure {
    const within = `within ${this.request.timeoutMs} ms`
    if (this.#readyMs === null) return new OutboundFailure('connect_timeout', `no connection ${within}`)
    const what = this.#head === null ? 'no answer' : 'the answer was not complete'
    return new OutboundFailure('timeout', `${what} ${within}`)
  }

  #timings(): Timings {
    const { dns = null, tcp = null, tls = null } = this.#facts ?? {}
    const firstByte =
      this.#firstByteMs === null || this.#readyMs === null ? null : this.#firstByteMs - this.#readyMs
    return {
      dns: tenthsOrNull(dns),
      tcp: tenthsOrNull(tcp),
      tls: tenthsOrNull(tls),
      first_byte: tenthsOrNull(firstByte),
      total: tenths(performance.now() - this.#startedMs),
    }
  }
}

/** Runs one call through a client. Never rejects. */
export async function runCall(
  request: OutboundRequest,
  parts: Parts,
  dispatch: (call: Call) => void,
): Promise<OutboundOutcome> {
  if (!request.mayStart()) return { kind: 'not_sent' }
  return new Promise((resolve) => {
    let call: Call
    try {
      call = new Call(request, parts, resolve)
    } catch (error) {
      return resolve(unsendable(error))
    }
    try {
      dispatch(call)
    } catch (error) {
      call.fail(error)
    }
  })
}

function unsendable(error: unknown): OutboundOutcome {
  const timings = { dns: null, tcp: null, tls: null, first_byte: null, total: 0 }
  const detail = toFailure(error)?.message ?? toError(error).message
  return { kind: 'error', error: 'invalid_request', detail: toStorableText(detail), timings, remoteIp: null }
}

function toFlatHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name] = toStorableText(Array.isArray(value) ? toOne(name, value) : value)
  return flat
}

/** Headers whose value is no list, so that two of them, as a proxy in front of an application makes them, are not one. */
const SINGLE = new Set(['content-type', 'date', 'location', 'retry-after', 'server'])

const toOne = (name: string, values: readonly string[]): string =>
  SINGLE.has(name) ? (values[0] ?? '') : values.join(', ')
