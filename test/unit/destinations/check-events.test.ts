import { expect, test } from 'vitest'
import { checkEvents } from '../../../src/destinations/check-events.ts'

const offer = (id: string, events: string[]) => ({ id, name: `Offer ${id}`, events })
const shoes = offer('1', ['sale', 'Lead'])
const hats = offer('2', ['deposit'])
const open = offer('3', [])

test.each<[string, string[], string[], ReturnType<typeof offer>[], string[]]>([
  ['an event of its offer', ['lead'], ['1'], [shoes, hats], []],
  ['an event of another offer', ['deposit'], ['1'], [shoes, hats], ['deposit']],
  ['an event of any offer, without offer_ids', ['deposit'], [], [shoes, hats], []],
  ['an event of no offer', ['slae', 'sale'], [], [shoes, hats], ['slae']],
  ['offers that report any event', ['x'], ['1', '3'], [shoes, hats, open], []],
  ['no events selected', [], ['1'], [shoes], []],
  ['no offers at all', ['x'], [], [], []],
])('%s', (_, events, offer_ids, offers, unknown) => {
  const findings = checkEvents({ events, offer_ids }, () => offers)
  expect(findings.map(({ code }) => code)).toEqual(unknown.map(() => 'unknown_event'))
  for (const [at, event] of unknown.entries()) expect(findings[at]?.message).toContain(`"${event}"`)
})
