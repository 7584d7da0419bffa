import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

const outputOf = async (program: string, args: string[]): Promise<string> => {
  try {
    await run(process.execPath, [`${root}node_modules/${program}`, ...args], { cwd: root, maxBuffer: 1e7 })
    return ''
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `failed: ${stdout}${stderr}`
  }
}

test('the types fit', { timeout: 120_000 }, async () => {
  expect(await outputOf('typescript/bin/tsc', [])).toBe('')
})

test('the code is formatted and linted', { timeout: 120_000 }, async () => {
  expect(
    await outputOf('@biomejs/biome/bin/biome', ['check', '.', '--colors=off', '--max-diagnostics=20']),
  ).toBe('')
})
