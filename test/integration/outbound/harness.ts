import { createOutbound } from '../../../src/outbound/create-outbound.ts'
import type { Outbound, OutboundOutcome, OutboundRequest } from '../../../src/outbound/outbound.ts'
import type { Resolve } from '../../../src/outbound/resolve.ts'
import {
  type Behaviour,
  type RawReceiver,
  startRawReceiver,
  testRoot,
} from '../../support/hostile-receivers.ts'

export type HttpClient = 'got' | 'undici'

type Settings = {
  resolve?: Resolve
  proxy?: string
  allow?: string[]
  timeoutMs?: number
}

type Answered = Extract<OutboundOutcome, { kind: 'answer' }>
type Failed = Extract<OutboundOutcome, { kind: 'error' }>

/** One client under test and the receivers around it; `close` ends all of them. */
export type Harness = {
  /** `tracker.test` leads to 127.0.0.1 unless `resolve` says otherwise. */
  outbound(settings?: Settings): Outbound
  receiver(behave: Behaviour, options?: Parameters<typeof startRawReceiver>[1]): Promise<RawReceiver>
  closeLater(thing: { close(): Promise<void> }): void
  close(): Promise<void>
}

export function createHarness(client: HttpClient): Harness {
  const open: { close(): Promise<void> }[] = []
  const bugs: unknown[] = []
  return {
    outbound: ({ resolve, proxy, allow, timeoutMs } = {}) => {
      const config = {
        httpClient: client,
        version: '0.0.0',
        outboundAllowCidrs: allow ?? ['127.0.0.0/8'],
        outboundProxy: proxy ?? null,
        deliveryTimeoutMs: timeoutMs ?? 2000,
      }
      const log = {
        error: (...told: unknown[]) => void bugs.push(told),
      }
      const outbound = createOutbound({
        config,
        log,
        ca: testRoot,
        resolve: resolve ?? (async () => ['127.0.0.1']),
      })
      open.push(outbound)
      return outbound
    },
    receiver: async (behave, options) => {
      const receiver = await startRawReceiver(behave, options)
      open.push(receiver)
      return receiver
    },
    closeLater: (thing) => void open.push(thing),
    close: async () => {
      await Promise.all(open.map((thing) => thing.close()))
      if (bugs.length > 0) throw new Error('the client met an error it does not know', { cause: bugs })
    },
  }
}

export const get = (url: string, rest: Partial<OutboundRequest> = {}): OutboundRequest => ({
  method: 'GET',
  url,
  headers: {},
  body: null,
  timeoutMs: 2000,
  mayStart: () => true,
  ...rest,
})

export function asAnswer(outcome: OutboundOutcome): Answered {
  if (outcome.kind !== 'answer') throw new Error(`no answer: ${JSON.stringify(outcome)}`)
  return outcome
}

export function asFailure(outcome: OutboundOutcome): Failed {
  if (outcome.kind !== 'error') throw new Error(`no failure: ${JSON.stringify(outcome)}`)
  return outcome
}
