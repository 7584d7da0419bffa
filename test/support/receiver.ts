import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** One call as it arrived. */
export type Received = {
  method: string
  /** Path and query, as sent. */
  url: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
  /** Unix ms. */
  at: number
}

type Answer = { status: number; headers?: Record<string, string>; body?: string | Buffer }
/** A status, a whole answer, or `hang`: the connection stays open without a byte. */
export type Reply = number | Answer | 'hang'
type ReplyWith = Reply | ((call: Received, n: number) => Reply | Promise<Reply>)

export type Receiver = {
  /** Without a slash at its end. */
  url: string
  port: number
  received: Received[]
  /** Changes what is answered from the next call on. */
  reply(replies: ReplyWith | readonly Reply[]): void
  /** Resolves when at least n calls have arrived; rejects after timeoutMs. */
  waitFor(n: number, timeoutMs?: number): Promise<readonly Received[]>
  close(): Promise<void>
}

/**
 * A partner's HTTP server on a free port of 127.0.0.1 that records what arrives. `replies`: one for all calls, or a
 * list used in order, whose last one stays; default 200.
 */
export async function startReceiver(
  options: { replies?: ReplyWith | readonly Reply[]; port?: number } = {},
): Promise<Receiver> {
  let replies = options.replies ?? 200
  const received: Received[] = []
  const waiting = new Set<() => void>()
  const server = createServer(async (req, res) => {
    const call = await record(req)
    received.push(call)
    for (const check of waiting) check()
    send(res, await choose(replies, call, received.length - 1))
  })
  server.keepAliveTimeout = 60_000
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    reply: (next) => {
      replies = next
    },
    waitFor: (n, timeoutMs = 10_000) => waitFor(received, waiting, { n, timeoutMs }),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function record(req: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const url = req.url ?? ''
  return {
    method: req.method ?? '',
    url,
    query: new URLSearchParams(url.split('?').slice(1).join('?')),
    headers: req.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    at: Date.now(),
  }
}

async function choose(replies: ReplyWith | readonly Reply[], call: Received, n: number): Promise<Reply> {
  if (typeof replies === 'function') return replies(call, n)
  if (!isList(replies)) return replies
  return replies[Math.min(n, replies.length - 1)] ?? 200
}

const isList = (replies: ReplyWith | readonly Reply[]): replies is readonly Reply[] => Array.isArray(replies)

function send(res: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return
  const answer = typeof reply === 'number' ? { status: reply } : reply
  res.writeHead(answer.status, answer.headers)
  res.end(answer.body)
}

function waitFor(
  received: readonly Received[],
  waiting: Set<() => void>,
  { n, timeoutMs }: { n: number; timeoutMs: number },
): Promise<readonly Received[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.delete(check)
      reject(new Error(`${received.length} of ${n} calls arrived within ${timeoutMs} ms`))
    }, timeoutMs)
    const check = (): void => {
      if (received.length < n) return
      clearTimeout(timer)
      waiting.delete(check)
      resolve(received)
    }
    waiting.add(check)
    check()
  })
}
