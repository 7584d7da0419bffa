import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import got from 'got'
import { Pool } from 'undici'
import { createOutbound } from '../src/outbound/create-outbound.ts'

// CPU of one process per outgoing call, for each HTTP client and call form, against a receiver in a process of its own.
// Run: node bench/outbound-clients.ts [calls]. Use the ratios: absolute figures are this machine's.

const CONCURRENCY = 32
const HEADERS = { 'user-agent': 'bench/1', accept: '*/*' }

type Form = { name: string; call(url: string): Promise<unknown> }

function runReceiver(): void {
  const server = createServer((req, res) => {
    req.resume()
    res.writeHead(200, { 'content-type': 'text/plain' }).end('OK')
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
  process.once('disconnect', () => process.exit())
}

const readAll = (stream: NodeJS.ReadableStream): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
  })

function nodeHttp(): Form {
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

function undiciDispatch(origin: string): Form {
  const pool = new Pool(origin, { connections: CONCURRENCY, pipelining: 1 })
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

function gotForms(): Form[] {
  const options = {
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    agent: { http: new Agent({ keepAlive: true }) },
  }
  const client = got.extend(options)
  return [
    { name: 'got, options per call', call: (url) => got(url, { ...options, headers: HEADERS }) },
    { name: 'got.extend, promise', call: (url) => client(url, { headers: HEADERS }) },
    {
      name: 'got.extend, promise, URL and buffer',
      call: (url) => client(new URL(url), { headers: HEADERS, responseType: 'buffer' }),
    },
    { name: 'got.extend, stream', call: (url) => readAll(client.stream(url, { headers: HEADERS })) },
  ]
}

function relayOutbound(httpClient: 'got' | 'undici'): Form {
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

async function measure(
  form: Form,
  origin: string,
  calls: number,
): Promise<{ cpuUs: number; perSecond: number }> {
  let started = 0
  const worker = async () => {
    while (started < calls)
      await form.call(`${origin}/postback?clickid=c${started++}&payout=1.25&status=approved`)
  }
  const cpuBefore = process.cpuUsage()
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  const { user, system } = process.cpuUsage(cpuBefore)
  return { cpuUs: (user + system) / calls, perSecond: calls / ((performance.now() - startedMs) / 1000) }
}

async function main(calls: number): Promise<void> {
  const receiver = fork(new URL(import.meta.url), ['receiver'])
  const [address] = await once(receiver, 'message')
  const origin = `http://127.0.0.1:${address.port}`
  const forms = [
    nodeHttp(),
    undiciDispatch(origin),
    ...gotForms(),
    relayOutbound('got'),
    relayOutbound('undici'),
  ]
  for (const form of forms) await measure(form, origin, Math.min(calls, 2000))
  let baseUs = 0
  for (const form of forms) {
    const rounds = [await measure(form, origin, calls), await measure(form, origin, calls)]
    const best = rounds.reduce((a, b) => (a.cpuUs < b.cpuUs ? a : b))
    baseUs ||= best.cpuUs
    const figures = `${best.cpuUs.toFixed(0).padStart(5)} us CPU a call, ${(best.cpuUs / baseUs).toFixed(2)} x node:http`
    console.log(`${form.name.padEnd(38)}${figures}, ${best.perSecond.toFixed(0)} a second`)
  }
  receiver.kill()
  process.exit()
}

if (process.argv[2] === 'receiver') runReceiver()
else await main(Number(process.argv[2] ?? 10_000))
