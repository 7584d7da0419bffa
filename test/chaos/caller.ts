import { Agent, type IncomingMessage, request } from 'node:http'

export type CallResult =
  | { kind: 'answered'; status: number; retryAfterS: number | null; body: string }
  | { kind: 'lost'; why: string }

export type Caller = {
  call(url: string, options: { key: string; body?: unknown }): Promise<CallResult>
  close(): void
}

const TIMEOUT_MS = 12_000

/**
 * Calls on kept connections. One that turns out to be closed before anything was answered is replaced once, as
 * every HTTP client does (node's documentation of `request.reusedSocket`).
 */
export function createCaller(): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 200, timeout: 60_000 })
  const callOnce = (
    url: string,
    options: { key: string; body?: unknown },
  ): Promise<CallResult & { reused?: boolean }> =>
    new Promise((resolve) => {
      const body = options.body === undefined ? null : JSON.stringify(options.body)
      const req = request(url, {
        agent,
        method: body === null ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${options.key}`,
          ...(body !== null && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
        },
      })
      const timer = setTimeout(() => req.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })), TIMEOUT_MS)
      const lost = (error: Error): void => {
        clearTimeout(timer)
        resolve({
          kind: 'lost',
          why: 'code' in error ? String(error.code) : error.message,
          reused: req.reusedSocket,
        })
      }
      req.on('error', lost)
      req.on('response', (res) => {
        readAll(res).then((text) => {
          clearTimeout(timer)
          const after = res.headers['retry-after']
          resolve({
            kind: 'answered',
            status: res.statusCode ?? 0,
            retryAfterS: after === undefined ? null : Number(after),
            body: text,
          })
        }, lost)
      })
      req.end(body)
    })
  return {
    async call(url, options) {
      const first = await callOnce(url, options)
      const isStale = first.kind === 'lost' && first.reused === true && /ECONNRESET|EPIPE/.test(first.why)
      return isStale ? callOnce(url, options) : first
    },
    close: () => agent.destroy(),
  }
}

async function readAll(res: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of res.setEncoding('utf8')) text += chunk
  return text
}
