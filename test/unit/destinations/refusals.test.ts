import { describe, expect, test } from 'vitest'
import { PRESETS, preset } from '../../../config/presets/presets.ts'
import { judge } from '../../../src/deliveries/verdict.ts'

const timings = { dns: null, tcp: null, tls: null, first_byte: null, total: 1 }

function verdictOf(name: string, body: string, status = 200): string {
  const answer = { status, headers: {}, body, bodyTruncated: false }
  const rules = { success: null, refusals: preset(name)?.refusals ?? null }
  const judged = judge({ kind: 'answer', answer, timings, remoteIp: null }, rules, 0)
  return judged.error === null ? judged.verdict : `${judged.verdict} ${judged.error}`
}

describe('an answer with 2xx', () => {
  test.each([
    ['keitaro', 'Incorrect postback code', 'refused incorrect_postback_code'],
    ['keitaro', 'Incorrect subid "". Postback ignored.', 'refused incorrect_subid'],
    ['keitaro', 'SubID not found', 'refused subid_not_found'],
    ['keitaro', 'Missing status. Postback ignored.', 'refused postback_ignored'],
    ['keitaro', 'Missing subid.', 'refused missing_subid'],
    ['keitaro', 'Ignored: Missing status.', 'refused missing_status'],
    ['keitaro', 'Click ID not found in database.', 'refused click_not_found'],
    ['keitaro', 'Success', 'delivered'],
    ['keitaro', 'OK', 'delivered'],
    ['keitaro', '', 'delivered'],
    ['tiktok_events', '{"code":0,"message":"OK"}', 'delivered'],
    ['tiktok_events', '{"code":40002,"message":"..."}', 'refused code_not_zero'],
    ['tiktok_events', '<html>', 'refused unexpected_answer'],
    ['tiktok_events', '', 'refused unexpected_answer'],
    ['meta_capi', '{"events_received":1}', 'delivered'],
    ['meta_capi', '{"events_received":0}', 'refused no_events_received'],
    ['voluum', 'anything at all', 'delivered'],
    ['plain', 'Incorrect subid', 'delivered'],
  ])('of %s that says "%s" is %s', (name, body, verdict) => {
    expect(verdictOf(name, body)).toBe(verdict)
  })

  test.each(PRESETS.filter((one) => one.kind === 'tracker').map(({ name }) => name))(
    'of %s that says nothing known is delivered, so that no conversion is doubled',
    (name) => {
      for (const body of ['', 'OK', '1', '<html></html>', '{}', 'GIF89a'])
        expect(verdictOf(name, body)).toBe('delivered')
    },
  )
})
