import { expect, test } from 'vitest'
import { createVettedResolve } from '../../../src/outbound/resolve.ts'

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
