import type { Socket } from 'node:net'
import { type Answer, ask, openConnection } from '../support/kept-connection.ts'
import { serveParent } from './child.ts'
import type { FloodQuestion, FloodSecond } from './flood-contract.ts'

// Calls at a rate that does not care what is answered, as a process of its own. Nothing is called again.

type Call = { n: number; sentMs: number }

async function flood(question: FloodQuestion): Promise<FloodSecond[]> {
  const targets = question.urls.map((url) => new URL(url))
  const idle = new Map(targets.map(({ port }) => [port, [] as Socket[]]))
  const seconds: FloodSecond[] = []
  const startedMs = performance.now()
  let sent = 0
  let open = 0
  const secondOf = (sentMs: number): FloodSecond => {
    const index = Math.floor((sentMs - startedMs) / 1000)
    seconds[index] ??= emptySecond()
    return seconds[index]
  }
  const answered = (call: Call, { status, head }: Answer): void => {
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
    if (!/\nretry-after: /i.test(head)) second.withoutRetryAfter++
  }
  const send = async (n: number): Promise<void> => {
    const call = { n, sentMs: performance.now() }
    const { hostname, port, pathname, search } = targets[n % targets.length] as URL
    const path = `${pathname}${search}`.replaceAll('TXID', `f-${String(n).padStart(8, '0')}`)
    const ready = idle.get(port) ?? []
    open++
    try {
      let socket = ready.pop()
      // Closed as idle meanwhile.
      while (socket?.destroyed) socket = ready.pop()
      socket ??= await openConnection(hostname, Number(port))
      answered(call, await ask(socket, `GET ${path} HTTP/1.1\r\nhost: relay\r\n\r\n`))
      ready.push(socket)
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('a caller was told')) throw error
      secondOf(call.sentMs).lost++
    }
    open--
  }
  while (performance.now() - startedMs < question.forMs) {
    const due = Math.floor(((performance.now() - startedMs) * question.perSecond) / 1000)
    // Callers come one after the other, not all in the first instant; one with this many open calls would wait too.
    const openMax = Math.min(question.connections, 200 + (performance.now() - startedMs))
    for (; sent < due && open < openMax; sent++) void send(question.from + sent)
    sent = Math.max(sent, due - question.perSecond)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  for (const sockets of idle.values()) for (const socket of sockets) socket.destroy()
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
