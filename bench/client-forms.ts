import { Agent, request as httpRequest } from 'node:http'
import got from 'got'
import { Pool } from 'undici'
import { createOutbound } from '../src/outbound/create-outbound.ts'

const HEADERS = { 'user-agent': 'bench/1', accept: '*/*' }

/** One way to call out; `call` resolves when the answer was read. */
export type Form = { name: string; call(url: string): Promise<unknown> }

const readAll = (stream: NodeJS.ReadableStream): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
  })

export function nodeHttp(): Form {
  const agent = new Agent({ keepAlive: true })
  return {
    name: 'node:http',
    call: (url) =>
      new Promise((resolve, reject) => {
        const req = httpRequest(url, { agent, headers: HEADERS }, (res) => resolve(readAll(res)))
        req.once('error', reject)
        req.end()
      }),
  }
}

export function undiciDispatch(origin: string, connections: number): Form {
  const pool = new Pool(origin, { connections, pipelining: 1 })
  return {
    name: 'undici dispatch',
    call: (url) =>
      new Promise((resolve, reject) => {
        const { pathname, search } = new URL(url)
        const chunks: Buffer[] = []
        pool.dispatch(
          { path: pathname + search, method: 'GET', headers: HEADERS },
          {
            onRequestStart: () => {},
            onResponseStart: () => {},
            onResponseData: (_controller, chunk) => void chunks.push(chunk),
            onResponseEnd: () => resolve(Buffer.concat(chunks)),
            onResponseError: (_controller, error) => reject(error),
          },
        )
      }),
  }
}

/** The one that most people would write comes first. */
export function gotForms(): [Form, ...Form[]] {
  const options = {
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    agent: { http: new Agent({ keepAlive: true }) },
  }
  const client = got.extend(options)
  return [
    { name: 'got.extend, promise', call: (url) => client(url, { headers: HEADERS }) },
    { name: 'got, options per call', call: (url) => got(url, { ...options, headers: HEADERS }) },
    {
      name: 'got.extend, promise, URL and buffer',
      call: (url) => client(new URL(url), { headers: HEADERS, responseType: 'buffer' }),
    },
    { name: 'got.extend, stream', call: (url) => readAll(client.stream(url, { headers: HEADERS })) },
  ]
}

export function relayOutbound(httpClient: 'got' | 'undici'): Form {
  const outbound = createOutbound({
    config: {
      httpClient,
      version: '0',
      outboundAllowCidrs: ['127.0.0.0/8'],
      outboundProxy: null,
      deliveryTimeoutMs: 10_000,
    },
    log: { error: console.error },
  })
  return {
    name: `relay's outbound, ${httpClient}`,
    call: (url) =>
      outbound.send({
        method: 'GET',
        url,
        headers: HEADERS,
        body: null,
        timeoutMs: 10_000,
        mayStart: () => true,
      }),
  }
}

/** Calls in a closed loop: processor time of this process per call, and calls per second. */
export async function loopOf(
  form: Form,
  origin: string,
  { calls, connections }: { calls: number; connections: number },
): Promise<{ cpuUs: number; perSecond: number }> {
  let started = 0
  const worker = async () => {
    while (started < calls)
      await form.call(`${origin}/postback?clickid=c${started++}&payout=1.25&status=approved`)
  }
  const cpuBefore = process.cpuUsage()
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: connections }, worker))
  const { user, system } = process.cpuUsage(cpuBefore)
  return { cpuUs: (user + system) / calls, perSecond: calls / ((performance.now() - startedMs) / 1000) }
}
