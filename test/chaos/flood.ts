import { Agent, request } from 'node:http'
import { serveParent } from './child.ts'
import type { FloodQuestion, FloodSecond } from './flood-contract.ts'

// Calls at a rate that does not care what is answered, as a process of its own. Nothing is called again.

type Call = { n: number; sentMs: number }

async function flood(question: Extract<FloodQuestion, { ask: 'flood' }>): Promise<FloodSecond[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: question.connections })
  const seconds: FloodSecond[] = []
  const startedMs = performance.now()
  let sent = 0
  let open = 0
  const secondOf = (sentMs: number): FloodSecond => {
    const index = Math.floor((sentMs - startedMs) / 1000)
    seconds[index] ??= emptySecond()
    return seconds[index]
  }
  const answered = (call: Call, status: number, retryAfter: string | undefined): void => {
    const second = secondOf(call.sentMs)
    const ms = Math.round(performance.now() - call.sentMs)
    if (status === 200) {
      second.accepted.push(call.n)
      second.acceptedMs.push(ms)
      return
    }
    if (status !== 503 && status !== 429) throw new Error(`a caller was told ${status}`)
    second.refused++
    second.refusedMs.push(ms)
    if (retryAfter === undefined) second.withoutRetryAfter++
  }
  const send = (n: number): void => {
    open++
    const call = { n, sentMs: performance.now() }
    const url = (question.urls[n % question.urls.length] ?? '').replace(
      'TXID',
      `f-${String(n).padStart(8, '0')}`,
    )
    const req = request(url, { agent }, (res) => {
      res.resume()
      res.on('end', () => {
        open--
        answered(call, res.statusCode ?? 0, res.headers['retry-after'])
      })
    })
    req.on('error', () => {
      open--
      secondOf(call.sentMs).lost++
    })
    req.end()
  }
  while (performance.now() - startedMs < question.forMs) {
    const due = Math.floor(((performance.now() - startedMs) * question.perSecond) / 1000)
    // A caller with this many open calls would wait too.
    for (; sent < due && open < question.connections; sent++) send(question.from + sent)
    sent = Math.max(sent, due - question.perSecond)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  agent.destroy()
  // In some seconds every connection may have waited.
  return Array.from(seconds, (second) => second ?? emptySecond())
}

const emptySecond = (): FloodSecond => ({
  accepted: [],
  refused: 0,
  lost: 0,
  withoutRetryAfter: 0,
  acceptedMs: [],
  refusedMs: [],
})

serveParent<FloodQuestion>((question) => flood(question))
