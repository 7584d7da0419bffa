import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEmptyDatabase, createTestDatabase } from '../support/postgres.ts'
import { startReceiver } from '../support/receiver.ts'
import { runRelayCommand, startRelayProcess } from '../support/relay-process.ts'

let dataDir: string
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Starts, expects it to give up, and returns what it said, line by line. */
async function refusal(env: Record<string, string>): Promise<string[]> {
  const { status, output } = await runRelayCommand({
    env: { PORT: '0', DATA_DIR: dataDir, ...env },
    args: ['start'],
  })
  expect(status).toBe(1)
  expect(output).not.toMatch(/^\s+at /m)
  return output.trim().split('\n')
}

test('bad settings are all named at once, one line each', async () => {
  const lines = await refusal({ PORT: 'http', ROLE: 'boss', LEASE_MS: '12000', SHUTDOWN_GRACE_MS: '5 s' })
  expect(lines.map((line) => line.split(' ')[0]).sort()).toEqual([
    'LEASE_MS',
    'PORT',
    'ROLE',
    'SHUTDOWN_GRACE_MS',
  ])
})

test.each(['0.0.0.0/0', '10.0.0.1,::/0'])(
  'TRUSTED_PROXIES=%s, everybody, is named with the fix',
  async (proxies) => {
    expect(await refusal({ TRUSTED_PROXIES: proxies, ADMIN_KEY: 'k'.repeat(40) })).toEqual([
      expect.stringMatching(/^TRUSTED_PROXIES .*\/0.*addresses of your proxies/),
    ])
  },
)

test.each(['REDIS_URL', 'OUTBOUND_PROXY'])(
  '%s with a bare per cent sign in its password is named with the fix',
  async (name) => {
    const scheme = name === 'REDIS_URL' ? 'redis' : 'http'
    const lines = await refusal({
      [name]: `${scheme}://relay:hunter%2z@127.0.0.1:1`,
      ADMIN_KEY: 'k'.repeat(40),
    })
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^${name} .*write it as %25$`))])
    expect(lines[0]).not.toContain('hunter')
  },
)

test.each([
  ['DATABASE_URL', 'postgres://relay:hun/ter@127.0.0.1:1/relay'],
  ['REDIS_URL', 'redis://:hun#ter@127.0.0.1:1'],
])('%s with a bare / or # in its password is named with the fix', async (name, url) => {
  const lines = await refusal({ [name]: url, ADMIN_KEY: 'k'.repeat(40) })
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^${name} .*password.* %2F `))])
  expect(lines[0]).not.toContain('hun')
})

test('a DATABASE_URL that names a file that is not there is named with the fix', async () => {
  const lines = await refusal({ DATABASE_URL: 'postgres://relay@127.0.0.1:1/relay?sslrootcert=/no/ca.pem' })
  expect(lines).toEqual([expect.stringMatching(/^DATABASE_URL .*\/no\/ca\.pem.*correct/)])
})

test('a port in use is named with the fix', async () => {
  const other = await startReceiver()
  cleanups.push(other.close)
  const lines = await refusal({ PORT: String(other.port), ADMIN_KEY: 'k'.repeat(40) })
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^PORT ${other.port} .*in use.*set another PORT`))])
})

test('an address that is not of this machine is named with the fix', async () => {
  const lines = await refusal({ HOST: '192.0.2.1', ADMIN_KEY: 'k'.repeat(40) })
  expect(lines).toEqual([expect.stringMatching(/^PORT 0 on HOST 192\.0\.2\.1 .*correct HOST/)])
})

test.each([
  ['nobody listens', (url: URL) => (url.port = '1'), /ECONNREFUSED.*start that PostgreSQL/],
  ['the password is wrong', (url: URL) => (url.password = 'wrong'), /correct user and password/],
  ['the database does not exist', (url: URL) => (url.pathname = '/nowhere'), /create that database/],
])('a DATABASE_URL where %s is named with the fix, without its password', async (_, spoil, fix) => {
  const database = await createEmptyDatabase()
  cleanups.push(database.drop)
  const url = new URL(database.connectionString)
  const { password } = url
  spoil(url)
  const lines = await refusal({ DATABASE_URL: url.href })
  expect(lines).toEqual([expect.stringMatching(fix)])
  expect(lines[0]).toMatch(/^DATABASE_URL/)
  expect(lines[0]).not.toContain(password)
})

test('a DATABASE_URL whose server only reads is named with the fix', async () => {
  const database = await createTestDatabase()
  cleanups.push(database.drop)
  const url = new URL(database.connectionString)
  url.searchParams.set('options', '-c default_transaction_read_only=on')
  const lines = await refusal({ DATABASE_URL: url.href })
  expect(lines).toEqual([expect.stringMatching(/^DATABASE_URL: .*only reads.*primary/)])
})

test('an API process refuses a database that was not migrated', async () => {
  const database = await createEmptyDatabase()
  cleanups.push(database.drop)
  const lines = await refusal({ DATABASE_URL: database.connectionString, ROLE: 'api' })
  expect(lines).toEqual([
    expect.stringMatching(/lacks the migrations 0001_catalogue.*"postback-relay migrate"/),
  ])
})

test('a SECRETS_KEY that differs from the first one is refused', async () => {
  const database = await createTestDatabase()
  cleanups.push(database.drop)
  const env = { DATABASE_URL: database.connectionString, ADMIN_KEY: 'k'.repeat(40), ROLE: 'api' }
  const first = await startRelayProcess({
    env: { ...env, PORT: '0', DATA_DIR: dataDir, SECRETS_KEY: 'a'.repeat(40) },
  })
  expect((await first.stop()).status).toBe(0)
  const lines = await refusal({ ...env, SECRETS_KEY: 'b'.repeat(40) })
  expect(lines).toEqual([expect.stringMatching(/^SECRETS_KEY is not the key/)])
})

test('a second relay on the same DATA_DIR says so and leaves the first alone', async () => {
  const first = await startRelayProcess({ env: { PORT: '0', DATA_DIR: dataDir } })
  cleanups.push(first.stop)
  expect(await refusal({})).toEqual([expect.stringMatching(/^DATA_DIR .* is in use by another relay/)])
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
})
