import { createWriteStream, type WriteStream } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveParent } from './child.ts'
import type { Mood, ReceiverQuestion, RequestRecord } from './receivers-contract.ts'

// The trackers, as a process of their own so that the load can not make them late. Every request becomes one line of
// LOG_FILE when its connection is done with it.

const host = process.env.HOST ?? '127.0.0.1'
const timeoutMs = Number(process.env.TIMEOUT_MS)
const log: WriteStream = createWriteStream(process.env.LOG_FILE ?? '/dev/null')
const FLAP_MS = 400

type Tracker = { index: number; port: number; mood: Mood; server: Server | null }
const trackers: Tracker[] = []
const open = new Set<RequestRecord>()

function listen(tracker: Tracker): Promise<void> {
  const server = createServer((req, res) => serve(tracker, req, res))
  server.keepAliveTimeout = 30_000
  tracker.server = server
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(tracker.port, host, () => {
      tracker.port = (server.address() as AddressInfo).port
      resolve()
    })
  })
}

function serve(tracker: Tracker, req: IncomingMessage, res: ServerResponse): void {
  const query = new URL(req.url ?? '', 'http://tracker').searchParams
  const record: RequestRecord = {
    tracker: tracker.index,
    delivery: query.get('did') ?? '',
    transaction: query.get('txid') ?? '',
    revision: Number(query.get('rev')),
    status: query.get('status') ?? '',
    payout: query.get('payout') ?? '',
    atMs: Date.now(),
    heard: false,
    answered: 0,
    doneMs: 0,
  }
  open.add(record)
  req.resume()
  res.on('close', () => {
    record.answered = res.writableFinished ? res.statusCode : 0
    finish(record)
  })
  void behave(tracker.mood, record, res)
}

function finish(record: RequestRecord): void {
  if (!open.delete(record)) return
  record.doneMs = Date.now()
  log.write(`${JSON.stringify(record)}\n`)
}

async function behave(mood: Mood, record: RequestRecord, res: ServerResponse): Promise<void> {
  const answer = (status: number, headers: Record<string, string> = {}): void => {
    record.heard = status === 200
    if (!res.destroyed) res.writeHead(status, headers).end(status === 200 ? 'OK' : 'not now')
  }
  const after = (ms: number): NodeJS.Timeout => setTimeout(() => answer(200), ms)
  if (mood === 'good') after(2 + Math.random() * 15)
  if (mood === 'just_before') after(timeoutMs - 200)
  if (mood === 'just_after') {
    record.heard = true
    after(timeoutMs + 150)
  }
  if (mood === 'flapping') answer(Math.floor(Date.now() / FLAP_MS) % 2 === 0 ? 200 : 503)
  if (mood === 'asks_to_wait') answer(429, { 'retry-after': '2' })
  if (mood === 'resets') {
    // Half of them after the tracker has counted it.
    record.heard = Math.random() < 0.5
    res.socket?.resetAndDestroy()
  }
}

async function setMood(index: number, mood: Mood): Promise<void> {
  const tracker = trackers[index]
  if (tracker === undefined) throw new Error(`there is no tracker ${index}`)
  const wasDead = tracker.mood === 'dead'
  tracker.mood = mood
  if (mood === 'dead' || mood === 'resets') {
    tracker.server?.closeAllConnections()
    if (mood === 'dead') await new Promise<void>((resolve) => tracker.server?.close(() => resolve()))
  }
  if (wasDead && mood !== 'dead') await listen(tracker)
  if (mood === 'good') tracker.server?.closeAllConnections()
}

serveParent<ReceiverQuestion>(async (question) => {
  if (question.ask === 'start') {
    for (let index = 0; index < question.count; index++) {
      const tracker: Tracker = { index, port: 0, mood: 'good', server: null }
      trackers.push(tracker)
      await listen(tracker)
    }
    return trackers.map((tracker) => tracker.port)
  }
  if (question.ask === 'mood') return setMood(question.tracker, question.mood)
  for (const record of open) finish(record)
  return new Promise<void>((resolve) => log.end(resolve))
})
