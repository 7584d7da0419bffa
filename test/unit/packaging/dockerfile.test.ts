import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const [, program = '', ...args] = JSON.parse(
  `["",${/HEALTHCHECK [^\n]*\\\n\s*CMD \[(.*)\]/.exec(readFileSync('Dockerfile', 'utf8'))?.[1]}]`,
) as string[]

const check = (env: Record<string, string>): number | null =>
  spawnSync(program, args, { env: { PATH: process.env.PATH, PORT: '1', ...env } }).status

test("the image's health check takes a worker, which has no HTTP port, for healthy while it runs", () => {
  expect(check({ ROLE: 'worker' })).toBe(0)
})

test.each(['all', 'api', ''])('with ROLE=%s it fails where nothing answers', (role) => {
  expect(check({ ROLE: role })).toBe(1)
})
