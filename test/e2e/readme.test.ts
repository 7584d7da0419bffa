import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts'

const run = promisify(execFile)
let relay: RelayProcess
let tracker: Receiver
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-readme-'))
  tracker = await startReceiver({ replies: { status: 200, body: 'OK' } })
  relay = await startRelayProcess({
    env: { PORT: '0', DATA_DIR: dataDir, OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8', LOG_LEVEL: 'warn' },
  })
})
afterAll(async () => {
  await relay.stop()
  await tracker.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** The commands of the README, block by block, from one heading to the next. */
async function blocksOf(heading: string): Promise<string[]> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
}

test('the commands of "The first conversion" do what the README says', async () => {
  const [, setUp = '', report = '', trace = ''] = await blocksOf('The first conversion')
  const here = (script: string): string =>
    script.replace('http://127.0.0.1:8080', relay.url).replace('127.0.0.1:9000', new URL(tracker.url).host)
  const shell = async (script: string): Promise<string> => (await run('bash', ['-euc', script])).stdout
  const prelude = here(setUp).replace('key_...', relay.adminKey ?? '')
  const made = await shell(prelude)
  expect(made).not.toContain('"error"')
  const token = /"token":"([^"]+)"/.exec(made)?.[1] ?? ''
  const exports = prelude.split('\n')[0] ?? ''
  const answer = await shell(`${exports}\n${report.replace('tok_...', token)}`)
  expect(JSON.parse(answer)).toMatchObject({ result: 'accepted', revision: 1 })
  await eventually(() =>
    expect(tracker.received.map(({ url }) => url)).toEqual([
      '/postback?clickid=tracker-click-1&payout=12.50&status=approved',
    ]),
  )
  await eventually(async () => {
    const { verdict } = JSON.parse(await shell(`${exports}\n${trace}`))
    expect(verdict.code).toBe('delivered')
    expect(verdict.sentence).toMatch(
      /^The tracker 127\.0\.0\.1:\d+ was told of conversion \(approved\) on .* and accepted it with HTTP 200 "OK"\.$/,
    )
  })
})
