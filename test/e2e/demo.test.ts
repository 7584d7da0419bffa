import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { Json } from '../support/relay-client.ts'
import { listTree } from '../support/relay-process.ts'

const PROGRAM = fileURLToPath(new URL('../../scripts/demo.js', import.meta.url))

let dataDir: string
let demo: ChildProcess
let said = ''

function startDemo(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  return child
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-demo-'))
  // A database of the shell belongs to somebody else.
  demo = startDemo({ PORT: '0', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
  await eventually(() => expect(said).toContain('Ctrl-C stops everything'), { timeoutMs: 90_000 })
}, 100_000)
afterAll(async () => {
  if (demo.exitCode === null)
    for (const { pid } of await listTree(demo.pid ?? 0)) process.kill(pid, 'SIGKILL')
  await rm(dataDir, { recursive: true, force: true })
})

const relayUrl = (): string => /RELAY=(\S+)/.exec(said)?.[1] ?? ''
const authorization = (): string => /AUTH='Authorization: ([^']+)'/.exec(said)?.[1] ?? ''

/** The lines of the guide that start with curl, in order. */
const commands = (): string[] =>
  said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('curl '))

/** Does what the line would do in a shell. */
async function run(command: string): Promise<{ status: number; text: string; json: Json }> {
  const body = /-d '([^']*)'/.exec(command)?.[1]
  const url = /"?((?:\$RELAY|http:)[^"\s]*)"?$/.exec(command)?.[1] ?? ''
  const response = await fetch(url.replace('$RELAY', relayUrl()), {
    method: /-X (\w+)/.exec(command)?.[1] ?? 'GET',
    headers: {
      ...(command.includes('"$AUTH"') && { authorization: authorization() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : null }
}

const get = async (path: string): Promise<Json> => (await run(`curl "$AUTH" "$RELAY${path}"`)).json
const deliveriesOf = async (affiliate: string, state: string): Promise<Json[]> =>
  (await get(`/v1/deliveries?destination_id=demo-${affiliate}&state=${state}&limit=100`)).data

describe('npm run demo', () => {
  test('each line of its guide works, in the order printed', async () => {
    expect(commands().length).toBeGreaterThan(10)
    const answers: Record<string, string> = {}
    for (const command of commands()) {
      const { status, text } = await run(command)
      expect([command, status < 300], text).toEqual([command, true])
      answers[command] = text
    }
    const answerTo = (part: string): string =>
      Object.entries(answers).find(([command]) => command.includes(part))?.[1] ?? ''
    expect(JSON.parse(answerTo('/v1/ledger'))).toMatchObject({ unaccounted: 0 })
    expect(JSON.parse(answerTo('/v1/trace?id=order'))).toMatchObject({ verdict: { code: 'delivered' } })
    expect(answerTo('/report.csv').split('\r\n').length).toBeGreaterThan(2)
    expect(JSON.parse(answerTo('/v1/deliveries/dlv'))).toMatchObject({
      state: 'refused',
      attempts: [{ response: { status: 200, body: 'Incorrect postback code' } }],
    })
    expect(answerTo('reversals.csv')).toMatch(/^cid,.*\r\nw.*-reversal,-/)
    expect(JSON.parse(answerTo('quarantined')).data[0]).toMatchObject({ code: 'macro_not_replaced' })
    expect(JSON.parse(answerTo('my-order'))).toMatchObject({ result: 'accepted' })
  })

  test('the refused delivery is delivered after the guide corrected its URL', async () => {
    const refused = commands().find((command) => command.includes('/v1/deliveries/dlv')) ?? ''
    await eventually(async () => expect((await run(refused)).json).toMatchObject({ state: 'delivered' }))
  })

  test('conversions flow: the healthy tracker counts more and more, the flaky one is tried again', async () => {
    const before = (await deliveriesOf('boris', 'delivered')).length
    await eventually(
      async () => {
        expect((await deliveriesOf('boris', 'delivered')).length).toBeGreaterThan(before + 2)
        const retried = (await deliveriesOf('chen', 'delivered')).filter((one) => one.attempts_count > 1)
        expect(retried.length).toBeGreaterThan(0)
      },
      { timeoutMs: 60_000 },
    )
  })

  test('nothing for the dead tracker is delivered, and nothing is dropped', async () => {
    expect(await deliveriesOf('dana', 'delivered')).toEqual([])
    expect((await deliveriesOf('dana', 'scheduled,held')).length).toBeGreaterThan(0)
  })

  test('a port in use ends it with the line of the relay that says so', async () => {
    const saidBefore = said
    const other = startDemo({ PORT: new URL(relayUrl()).port, DATA_DIR: join(dataDir, 'other') })
    const [status] = await once(other, 'close')
    expect(status).toBe(1)
    expect(said.slice(saidBefore.length)).toMatch(/PORT \d+ .* is in use/)
    expect(said.slice(saidBefore.length)).not.toContain(' at ')
  })

  test('Ctrl-C stops everything', async () => {
    const tree = await listTree(demo.pid ?? 0)
    expect(tree.length).toBeGreaterThan(3)
    const reports = commands().find((command) => command.includes('/report.csv')) ?? ''
    demo.kill('SIGINT')
    const [status] = await once(demo, 'close')
    expect(status).toBe(0)
    const left = await Promise.all(tree.map(({ pid }) => listTree(pid)))
    expect(left.flat()).toEqual([])
    await expect(run(reports)).rejects.toThrow()
  })

  test('it starts again on what the last time left', async () => {
    said = ''
    demo = startDemo({ PORT: '0' })
    await eventually(() => expect(said).toContain('Ctrl-C stops everything'), { timeoutMs: 60_000 })
    expect(await get('/v1/ledger')).toMatchObject({ unaccounted: 0 })
    const again = commands().find((command) => command.includes('/v1/deliveries/dlv')) ?? ''
    expect((await run(again)).json).toMatchObject({ state: 'refused' })
    demo.kill('SIGTERM')
    const [status] = await once(demo, 'close')
    expect(status).toBe(0)
  })
})
