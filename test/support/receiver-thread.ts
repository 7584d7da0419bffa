import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** A tracker that goes on answering while the test's own thread stands still. It answers 200 after `answerAfterMs`. */
export async function startReceiverThread(answerAfterMs: number): Promise<{
  url: string
  /** Resolves when the next call has arrived. */
  arrival(): Promise<unknown>
  count(): Promise<number>
  close(): Promise<void>
}> {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: { answerAfterMs } })
  const [port] = await once(thread, 'message')
  return {
    url: `http://127.0.0.1:${port}/`,
    arrival: () => once(thread, 'message'),
    async count() {
      thread.postMessage('count')
      const [count] = await once(thread, 'message')
      return count
    },
    async close() {
      await thread.terminate()
    },
  }
}

if (!isMainThread && workerData?.answerAfterMs !== undefined) {
  const { createServer } = await import('node:http')
  let count = 0
  const server = createServer((req, res) => {
    count++
    parentPort?.postMessage('arrived')
    req.resume()
    setTimeout(() => res.end('OK'), workerData.answerAfterMs)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    parentPort?.postMessage(typeof address === 'object' && address !== null ? address.port : 0)
  })
  parentPort?.on('message', () => parentPort?.postMessage(count))
}
