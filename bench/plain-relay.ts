// The relay that a user would write: Fastify, one BullMQ job per conversion on Redis with attempts and backoff, got.
// No database, no rules, no log: what the real one is compared with.
import { Queue, Worker } from 'bullmq'
import Fastify from 'fastify'
import got from 'got'
import { Redis } from 'ioredis'

const { REDIS_URL = '', RECEIVER_PORT = '' } = process.env
const connect = (): Redis => new Redis(REDIS_URL, { maxRetriesPerRequest: null })

if (process.env.PLAIN_ROLE === 'worker') {
  new Worker(
    'postbacks',
    async ({ data }) => {
      await got(data.url, { timeout: { request: 10_000 }, retry: { limit: 0 } })
    },
    { connection: connect(), concurrency: 64 },
  )
  process.send?.({ ready: true })
} else {
  const queue = new Queue('postbacks', { connection: connect() })
  const app = Fastify()
  app.get<{ Querystring: Record<string, string> }>('/postback', async (request) => {
    const { click_id = '', transaction_id = '', payout = '', status = '' } = request.query
    const url = `http://127.0.0.1:${RECEIVER_PORT}/d${click_id.slice(1)}?clickid=${encodeURIComponent(click_id)}&payout=${payout}&status=${status}&txid=${encodeURIComponent(transaction_id)}`
    await queue.add(
      'postback',
      { url },
      {
        attempts: 12,
        backoff: { type: 'exponential', delay: 5000 },
        removeOnComplete: true,
        removeOnFail: true,
      },
    )
    return { result: 'accepted' }
  })
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
  process.send?.({ ready: true })
}
process.on('disconnect', () => process.exit(0))
