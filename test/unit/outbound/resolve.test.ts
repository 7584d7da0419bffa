import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { createDnsResolve, createVettedResolve } from '../../../src/outbound/resolve.ts'

test('a name is looked up once for calls close to each other, a literal address never', async () => {
  const asked: string[] = []
  const resolve = createVettedResolve(async (hostname) => {
    asked.push(hostname)
    return ['8.8.8.8', '2606:4700::1111']
  }, [])
  const found = await Promise.all([resolve('tracker.test'), resolve('tracker.test'), resolve('1.1.1.1')])
  expect(found).toEqual([['8.8.8.8', '2606:4700::1111'], ['8.8.8.8', '2606:4700::1111'], ['1.1.1.1']])
  expect(asked).toEqual(['tracker.test'])
})

test('the name is asked for without its trailing dot and brackets are not part of an address', async () => {
  const asked: string[] = []
  const resolve = createVettedResolve(async (hostname) => {
    asked.push(hostname)
    return ['8.8.8.8']
  }, [])
  await resolve('Tracker.test.')
  expect(asked).toEqual(['tracker.test'])
  expect(await resolve('[2606:4700::1111]')).toEqual(['2606:4700::1111'])
})

test.each([
  ['ENOTFOUND', 'tracker.test: no such host'],
  ['ENODATA', 'tracker.test: the host has no address'],
  ['ESERVFAIL', 'tracker.test: the name server failed'],
  ['ETIMEOUT', 'tracker.test: the name server does not answer'],
])('%s of DNS is told as "%s"', async (code, detail) => {
  const resolve = createVettedResolve(() => Promise.reject(Object.assign(new Error(code), { code })), [])
  await expect(resolve('tracker.test')).rejects.toMatchObject({ code: 'dns_failed', message: detail })
})

test('no address at all is dns_failed', async () => {
  const resolve = createVettedResolve(async () => [], [])
  await expect(resolve('tracker.test')).rejects.toMatchObject({ code: 'dns_failed' })
})

const TYPE_A = 1
const TYPE_AAAA = 28

/** A name server that knows one IPv4 address for every name and never answers a question for another type. */
async function startNameServer(): Promise<{ address: string; asked: number[] }> {
  const asked: number[] = []
  const server = createSocket('udp4')
  server.on('message', (query, from) => {
    const nameEnd = query.indexOf(0, 12) + 1
    const type = query.readUInt16BE(nameEnd)
    asked.push(type)
    if (type !== TYPE_A) return
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
    const record = Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 8, 8, 8, 8])
    server.send(Buffer.concat([head, query.subarray(12, nameEnd + 4), record]), from.port, from.address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { address: `127.0.0.1:${server.address().port}`, asked }
}

test('a name server that is silent about IPv6 does not hold up the IPv4 address', async () => {
  const { address, asked } = await startNameServer()
  const resolve = createDnsResolve([address])
  expect(await resolve('tracker.example.com')).toEqual(['8.8.8.8'])
  // It was not even asked a second time.
  expect(asked.toSorted()).toEqual([TYPE_A, TYPE_AAAA])
})
