import { type Call, runCall } from './call.ts'
import { createConnector, type OutboundParts } from './connector.ts'
import { OutboundFailure } from './failure.ts'
import type { Outbound } from './outbound.ts'
import { createUndiciPool, type UndiciPool } from './undici-pool.ts'

/** Calls out with undici's lowest layer, the fast client: about a fifth of got's CPU per call (bench/outbound-clients.ts). */
export function createUndiciOutbound(parts: OutboundParts): Outbound {
  const connector = createConnector(parts)
  const pool = createUndiciPool(connector)
  const callParts = {
    connector,
    userAgent: `postback-relay/${parts.config.version}`,
    onBug: (error: Error) => parts.log.error({ err: error }, 'outbound call failed in an unknown way'),
  }
  return {
    send: (request) => runCall(request, callParts, (call) => dispatch(pool, call)),
    close: () => {
      connector.close()
      return pool.close()
    },
  }
}

const STOPPED = new OutboundFailure('connection_reset', 'the call was stopped')

function dispatch(pool: UndiciPool, call: Call): void {
  const { url, headers } = call
  const { method, body } = call.request
  const slot = pool.take(url)
  let keepAlive: string | undefined
  call.onStop(() => pool.drop(slot))
  slot.client.dispatch(
    { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers: { ...headers }, body },
    {
      // Called right before the head is written to the connection.
      onRequestStart: (controller) => {
        if (slot.socket === null || !call.ready(slot.socket)) controller.abort(STOPPED)
      },
      onRequestUpgrade: (_controller, _status, _headers, socket) => {
        socket.destroy()
        call.fail(new OutboundFailure('bad_answer', 'the receiver switched to another protocol'))
      },
      onResponseStart: (_controller, status, responseHeaders) => {
        const hint = responseHeaders['keep-alive']
        keepAlive = Array.isArray(hint) ? hint[0] : hint
        call.answered(status, responseHeaders)
      },
      onResponseData: (_controller, chunk) => call.chunk(chunk),
      onResponseEnd: () => {
        pool.keep(slot, keepAlive)
        call.complete()
      },
      onResponseError: (_controller, error) => {
        pool.drop(slot)
        call.fail(error)
      },
    },
  )
}
