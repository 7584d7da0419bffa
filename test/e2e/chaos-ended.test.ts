import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { removeAbandoned } from '../chaos/remove-abandoned.ts'
import { eventually } from '../support/eventually.ts'
import { listTree } from '../support/relay-process.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FAULT = 'worker frozen past its lease'

/** Runs `npm run chaos` until its fault is under way. */
async function startSuite() {
  const backend = inject('services').redisServer === null ? 'postgres' : 'redis'
  const options = ['--once', '--rate', '5', '--backend', backend, '--faults', FAULT]
  const suite = spawn('npm', ['run', 'chaos', '--', ...options], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: homedir() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [suite.stdout, suite.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  await eventually(() => expect(said).toContain(`making: ${FAULT}`), { timeoutMs: 90_000 })
  const tree = await listTree(suite.pid ?? 0)
  const main = tree.find(({ command }) => command.includes('test/chaos/main.ts'))
  return { suite, tree, mainPid: main?.pid, said: () => said }
}

/** Processes of the tree that are still there, folders and namespaces of that run. */
async function listLeft({ tree, mainPid }: Awaited<ReturnType<typeof startSuite>>): Promise<string[]> {
  const processes = await Promise.all(
    tree.map(async ({ pid, command }) =>
      (await listTree(pid)).filter((one) => one.pid === pid && one.command === command),
    ),
  )
  const folders = await Promise.all(
    [tmpdir(), '/run/netns'].map((folder) => readdir(folder).catch((): string[] => [])),
  )
  return [
    ...processes.flat().map(({ command }) => command),
    ...folders.flat().filter((name) => name.split('-').slice(0, 3).join('-') === `relay-chaos-${mainPid}`),
  ]
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s to `npm run chaos` in the middle of a fault leaves no process, folder or network behind',
  async (signal, status) => {
    const running = await startSuite()
    // npm, the suite, its two helpers, two APIs, two workers, PostgreSQL.
    expect(running.tree.length).toBeGreaterThan(8)
    running.suite.kill(signal)
    await once(running.suite, 'close')
    expect(running.said()).toContain(`${signal}: ending everything`)
    expect(await listLeft(running)).toEqual([])
    expect([status, null]).toContain(running.suite.exitCode)
  },
  240_000,
)

test('after kill -9 of the suite its relay processes end by themselves, and the next run ends the frozen one and the servers', async () => {
  const running = await startSuite()
  process.kill(running.mainPid ?? 0, 'SIGKILL')
  await once(running.suite, 'close')
  await eventually(
    async () =>
      expect((await listLeft(running)).filter((left) => left.includes('src/main.ts'))).toHaveLength(1),
    { timeoutMs: 120_000, everyMs: 200 },
  )
  await removeAbandoned()
  await eventually(async () => {
    const left = await listLeft(running)
    const [folder = '', ...others] = left
    expect(others, folder).toEqual([])
    await rm(join(tmpdir(), folder), { recursive: true, force: true })
  })
}, 240_000)
