import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readOrMakeSecretsKey } from '../../src/secrets-key.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-key-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

const read = (dir = dataDir): Promise<string> => readOrMakeSecretsKey({ secretsKey: null, dataDir: dir })

test('processes that start together have one key, and nothing else is left in the folder', async () => {
  for (let round = 0; round < 300; round++) {
    const dir = join(dataDir, String(round))
    const keys = await Promise.all(Array.from({ length: 4 }, () => read(dir)))
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^\S{40,}$/)
  }
  expect(await readdir(join(dataDir, '0'))).toEqual(['secrets-key'])
  expect(await read(join(dataDir, '0'))).toBe(await read(join(dataDir, '0')))
})

test('a file that a power failure or a full disk left empty is no key', async () => {
  await writeFile(join(dataDir, 'secrets-key'), '')
  await expect(read()).rejects.toThrow(/secrets-key is empty.*SECRETS_KEY/)
})

test('a file that was restored with a line break at its end holds the same key', async () => {
  const key = await read()
  await writeFile(join(dataDir, 'secrets-key'), `${key}\n`)
  expect(await read()).toBe(key)
})
