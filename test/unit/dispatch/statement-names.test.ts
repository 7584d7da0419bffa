import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const SRC = new URL('../../../src/', import.meta.url)

test('no two statements share a name: on one connection that is an error', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const names = files.flatMap((file) =>
    [...readFileSync(new URL(file, SRC), 'utf8').matchAll(/\bname: '(\w+)',\s+text:/g)].map(
      ([, name]) => name,
    ),
  )
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})
