// A tracker that counts: answers 200 at once, or never where its path is one of those that hang; tells its parent how many
// calls it answered and when each transaction arrived.
import { createServer } from 'node:http'

let calls = 0
let recording = false
let hanging = new Set<string>()
const arrivals: [transactionId: string, atMs: number][] = []

const server = createServer((req, res) => {
  const [path = ''] = (req.url ?? '').split('?')
  if (hanging.has(path)) return
  calls++
  if (recording)
    arrivals.push([new URLSearchParams((req.url ?? '').split('?')[1]).get('txid') ?? '', Date.now()])
  res.writeHead(200, { 'content-type': 'text/plain', 'content-length': '2' })
  res.end('OK')
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 })
})

process.on('message', (message: { record?: boolean; hang?: string[] }) => {
  if (message.record !== undefined) recording = message.record
  if (message.hang !== undefined) hanging = new Set(message.hang)
  // Only when asked for: a count of the calls in between must not take them.
  process.send?.({ calls, arrivals: message.record === false ? arrivals.splice(0) : [] })
})
process.on('disconnect', () => process.exit(0))
