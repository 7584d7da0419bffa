import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import got, { type Got } from 'got'
import { type Call, HEADER_BYTES_MAX, runCall } from './call.ts'
import { createConnector, type OutboundParts } from './connector.ts'
import { OutboundFailure } from './failure.ts'
import { KeepAliveAgent } from './keep-alive-agent.ts'
import type { Outbound } from './outbound.ts'

type Agents = Record<'http:' | 'https:', KeepAliveAgent>

/**
 * Calls out with got. Its stream form is used: it is the cheapest one (bench/outbound-clients.ts) and lets an answer be
 * cut. Redirects, retries and decompression are off; Call decides what an answer is.
 */
export function createGotOutbound(parts: OutboundParts): Outbound {
  const connector = createConnector(parts)
  const agents = {
    'http:': new KeepAliveAgent('http:', connector),
    'https:': new KeepAliveAgent('https:', connector),
  }
  const client = got.extend({
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
  })
  const callParts = {
    connector,
    userAgent: `postback-relay/${parts.config.version}`,
    onBug: (error: Error) => parts.log.error({ err: error }, 'outbound call failed in an unknown way'),
  }
  return {
    send: (request) => runCall(request, callParts, (call) => dispatch(client, agents, call)),
    close: async () => {
      connector.close()
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

function dispatch(client: Got, agents: Agents, call: Call): void {
  const { method } = call.request
  // Without a body got takes the stream of a POST for one that is still to be written to, and waits.
  const body = call.request.body ?? (method === 'GET' ? null : '')
  const stream = client.stream(call.url, {
    method,
    headers: call.headers,
    ...(body !== null && { body, allowGetBody: true }),
    request: (url, options) => startRequest(url, options, { call, agent: agentFor(agents, url) }),
  })
  stream.on('data', (chunk: Uint8Array) => call.chunk(chunk))
  stream.once('end', () => call.complete())
  stream.on('error', (error: unknown) => call.fail(error))
  call.onStop(() => stream.destroy())
}

const agentFor = (agents: Agents, { protocol }: URL): KeepAliveAgent =>
  agents[protocol === 'https:' ? 'https:' : 'http:']

function startRequest(
  url: URL,
  { method, headers }: RequestOptions,
  { call, agent }: { call: Call; agent: KeepAliveAgent },
): ClientRequest {
  agent.dropStale(url)
  // Not got's other options: they are about connections, which are the agent's, and copying them costs time.
  const request = httpRequest(url, { agent, method, headers, maxHeaderSize: HEADER_BYTES_MAX })
  // Emitted right before the head is written to the connection.
  request.once('socket', (socket: Socket) => {
    if (!call.ready(socket)) request.destroy()
  })
  request.once('response', (answer) => {
    call.answered(answer.statusCode ?? 0, answer.headers)
    // Bytes behind a whole answer break the parser, not the answer. Before got's own listener.
    request.prependListener('error', () => {
      if (!answer.complete) return
      for (let chunk = answer.read(); chunk !== null; chunk = answer.read()) call.chunk(chunk)
      call.complete()
    })
  })
  request.once('upgrade', (_answer, socket) => {
    socket.destroy()
    call.fail(new OutboundFailure('bad_answer', 'the receiver switched to another protocol'))
  })
  return request
}
