import { expect, test } from 'vitest'
import { openFirst } from '../../../src/outbound/tcp.ts'

test('where no time is left for the first address, the failure is a connect timeout', async () => {
  const opened = openFirst(['192.0.2.1'], 0, () => Promise.reject(new Error('was tried')))
  await expect(opened).rejects.toMatchObject({ code: 'connect_timeout' })
})

test('the failure of the last address that was tried is told', async () => {
  const opened = openFirst(['192.0.2.1', '192.0.2.2'], 1000, (ip) => Promise.reject(new Error(ip)))
  await expect(opened).rejects.toThrow('192.0.2.2')
})
