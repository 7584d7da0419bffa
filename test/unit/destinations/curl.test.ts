import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toCurl } from '../../../src/destinations/curl.ts'

/** What bash hands to curl for a line; curl is a function that prints its arguments, NUL-separated. */
function argumentsOf(line: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${line}\n`
  const printed = execFileSync('bash', ['--norc', '-c', script], {
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8' },
  })
  return printed.split('\0').slice(0, -1)
}

describe('the cURL line of a request', () => {
  test('is one line that a person can read, with secrets unexpanded', () => {
    const line = toCurl({
      method: 'POST',
      url: 'https://t.example/p?a=1&k={secret:KEY}',
      headers: { 'user-agent': 'postback-relay/1', 'x-empty': '' },
      body: `{"a":"it's"}`,
    })
    expect(line).toBe(
      `curl --globoff --request POST 'https://t.example/p?a=1&k={secret:KEY}' --header 'user-agent: postback-relay/1' --header 'x-empty;' --data-raw '{"a":"it'\\''s"}'`,
    )
  })

  test('hands any body and header to curl unchanged, without running any of it', () => {
    const text = fc
      .array(
        fc.oneof(fc.constantFrom("'", '"', '\\', '$(id)', '`id`', '\n', '\r', '!', '$', '\x07'), fc.string()),
      )
      .map((pieces) => pieces.join('').replaceAll('\0', ''))
    fc.assert(
      fc.property(text, text, (body, header) => {
        const line = toCurl({ method: 'POST', url: 'https://t.example/', headers: { x: header }, body })
        expect(line).not.toContain('\n')
        const given = argumentsOf(line)
        expect(given.at(-1)).toBe(body)
        expect(given[given.indexOf('--header') + 1]).toBe(header === '' ? 'x;' : `x: ${header}`)
      }),
      { numRuns: 60 },
    )
  })
})
