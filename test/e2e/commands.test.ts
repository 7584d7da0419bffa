import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { createTestClient, makeSampleNetwork, toPostbackUrl } from '../support/relay-client.ts'
import { type RelayProcess, runRelayCommand, startRelayProcess } from '../support/relay-process.ts'

const ADMIN_KEY = 'k'.repeat(40)

let dataDir: string
let tracker: Receiver
let relay: RelayProcess
let deliveryId: string
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-e2e-'))
  tracker = await startReceiver()
  relay = await startRelayProcess({
    env: { PORT: '0', DATA_DIR: dataDir, ADMIN_KEY, OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8' },
  })
  const client = createTestClient(relay.url, ADMIN_KEY)
  const network = await makeSampleNetwork(client, { trackerUrl: tracker.url })
  await fetch(toPostbackUrl(relay.url, network, 't1'))
  await eventually(async () => {
    const { data } = await client.get('/v1/deliveries?state=delivered')
    expect(data).toHaveLength(1)
    deliveryId = data[0].id
  })
}, 120_000)
afterAll(async () => {
  await relay?.kill({ postgres: true })
  await tracker?.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** Runs a command against the relay above. */
const run = (...args: string[]) =>
  runRelayCommand({ env: { RELAY_URL: relay.url, ADMIN_KEY, DATA_DIR: dataDir }, args })

test('trace answers an order id with one sentence and its deliveries', async () => {
  const { status, output } = await run('trace', 't1')
  expect(status).toBe(0)
  const [sentence = ''] = output.split('\n')
  expect(sentence).toMatch(/^[A-Z].*\.$/)
  expect(output).toMatch(/Found: 1 inbound call, 0 clicks, 1 conversion, 1 delivery\./)
  expect(output).toContain(deliveryId)
})

test('what partners sent gives the terminal no orders', async () => {
  const { output } = await run('trace', '\u001b]0;owned\u0007\u009b31m')
  expect(output).toContain('owned')
  expect(output).not.toMatch(/(?!\n)\p{Cc}/u)
  const refused = await run('deliveries', '--state', '\u001b[31m')
  expect(refused).toMatchObject({ status: 1, output: expect.not.stringContaining('\u001b') })
})

test('an empty setting counts as not set, and spaces around one do not count', async () => {
  const env = { RELAY_URL: '', PORT: ` ${new URL(relay.url).port} ` }
  const found = await runRelayCommand({ env: { ...env, ADMIN_KEY: ` ${ADMIN_KEY} ` }, args: ['ledger'] })
  expect(found).toMatchObject({ status: 0, output: expect.stringContaining('accepted') })
  const refused = await runRelayCommand({ env: { ...env, ADMIN_KEY: '' }, args: ['ledger'] })
  expect(refused).toMatchObject({ status: 1, output: expect.stringMatching(/^No key: give --key/) })
})

test('deliveries lists by filter as an aligned table, and shows one with its attempts and a curl line', async () => {
  const list = await run('deliveries', '--state', 'delivered')
  const [heading = '', row = ''] = list.output.split('\n')
  expect(row.indexOf('delivered')).toBe(heading.indexOf('STATE'))
  expect((await run('deliveries', '--state', 'failed')).output).toBe('No delivery fits.\n')
  const one = await run('deliveries', deliveryId)
  expect(one.output).toMatch(/^1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +delivered +200/m)
  expect(one.output).toMatch(/^curl /m)
})

test('replay sends a delivery again', async () => {
  const before = tracker.received.length
  const { status, output } = await run('replay', deliveryId)
  expect(status).toBe(0)
  expect(output).toMatch(new RegExp(`^${deliveryId} is scheduled again \\(rpl_`))
  await tracker.waitFor(before + 1)
})

test('ledger says whether everything has its place; --json gives the answer of the API', async () => {
  expect((await run('ledger')).output).toMatch(/1 revision accepted\.\nEverything is accounted for\./)
  expect(JSON.parse((await run('ledger', '--json')).output)).toMatchObject({ unaccounted: 0 })
})

test('a key that keys create prints works until keys revoke', async () => {
  const made = await run('keys', 'create', 'night shift')
  const [key = ''] = made.output.split('\n')
  const id = /key_[0-9a-z]{26}(?=\.)/.exec(made.output)?.[0] ?? ''
  expect((await run('keys', 'list')).output).toMatch(new RegExp(`^${id} +night shift +admin`, 'm'))
  expect((await run('keys', 'list', '--key', key)).status).toBe(0)
  expect((await run('keys', 'revoke', id)).status).toBe(0)
  expect(await run('keys', 'list', '--key', key)).toMatchObject({ status: 1 })
})

test.each([
  ['an unknown command', ['sing'], /no command "sing"/],
  ['an unknown option', ['ledger', '--colour'], /--colour/],
  ['an id too many', ['trace', 'a', 'b'], /exactly one id/],
  ['an unknown delivery', ['deliveries', 'dlv_nothing'], /no such delivery/i],
  ['a wrong key', ['ledger', '--key', 'x'.repeat(32)], /key is missing or not valid/],
  [
    'a relay that is away',
    ['ledger', '--url', 'http://127.0.0.1:1'],
    /No relay answers at http:\/\/127\.0\.0\.1:1/,
  ],
  ['an address that is none', ['ledger', '--url', 'here'], /--url is an address/],
])('%s gives one line and status 1', async (_, args, line) => {
  const { status, output } = await run(...args)
  expect(status).toBe(1)
  expect(output.trim().split('\n')).toHaveLength(1)
  expect(output).toMatch(line)
})

test('migrate applies everything to an empty database once', async () => {
  const env = { DATA_DIR: join(dataDir, 'other') }
  const first = await runRelayCommand({ env, args: ['migrate'] })
  expect(first).toMatchObject({ status: 0, output: expect.stringMatching(/^Applied 0001_catalogue/) })
  expect(await runRelayCommand({ env, args: ['migrate'] })).toEqual({
    status: 0,
    output: 'The database is up to date.\n',
  })
})

test('a wrong address, another program, a broken key and a verb that is none are one line each', async () => {
  const other = createServer((_, res) =>
    res.setHeader('content-type', 'text/html').end('<html>another program</html>'),
  )
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const { port } = other.address() as AddressInfo
  const refused: [string[], RegExp][] = [
    [['keys', '--url', 'localhost:8080'], /http:\/\//],
    [['ledger', '--url', `http://127.0.0.1:${port}`], /is no relay/],
    [['keys', '--key', 'half-one\nhalf-two'], /line break/],
    [['keys', 'constructor'], /has no "constructor"/],
  ]
  for (const [args, said] of refused) {
    const { status, output } = await run(...args)
    expect([status, output]).toEqual([1, expect.stringMatching(/^[^\n]+\n$/)])
    expect(output).toMatch(said)
    expect(output).not.toContain('half-')
  }
  other.close()
})

test('an address that leads elsewhere is named, and neither key nor order go there', async () => {
  const asked: string[] = []
  const front = createServer((req, res) => {
    asked.push(`${req.method} ${req.headers.host}`)
    res.writeHead(301, { location: `http://localhost:${new URL(relay.url).port}${req.url}` }).end()
  })
  await once(front.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
  for (const args of [['ledger'], ['keys', 'create', 'led astray']]) {
    const { status, output } = await run(...args, '--url', url)
    expect([status, output]).toEqual([
      1,
      expect.stringMatching(/leads to http:\/\/localhost:\d+: give that as --url/),
    ])
  }
  expect(asked).toHaveLength(2)
  front.close()
})

test('all keys are listed, however many pages they are', async () => {
  const client = createTestClient(relay.url, ADMIN_KEY)
  for (let n = 0; n < 101; n++) await client.post('/v1/keys', { name: `many-${n}` })
  const { output } = await run('keys', 'list')
  expect(output.match(/many-\d+/g)).toHaveLength(101)
})
