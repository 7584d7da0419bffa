import { readdirSync } from 'node:fs'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { PresetSchema } from '../../../config/presets/preset.ts'
import { PRESET_NAMES, PRESETS, preset } from '../../../config/presets/presets.ts'
import { checkDefinition } from '../../../src/destinations/check-definition.ts'
import { recognise } from '../../../src/destinations/recognise.ts'
import { sampleBox } from '../../support/destination-samples.ts'

const filled = (example: string) =>
  example
    .replace('https://X.', 'https://x.')
    .replace(/https:\/\/(?:TRACKING_DOMAIN|TRACKER|DOMAIN|HOST)/, 'https://trk.shop-partner.com')
    .replace('/PATH', '/path')

describe('presets', () => {
  test('are those of the interface contract, in order of precedence', () => {
    expect(PRESET_NAMES).toEqual([
      'voluum',
      'binom_v1',
      'binom_v2',
      'keitaro',
      'redtrack',
      'bemob',
      'clickflare',
      'funnelflux',
      'peerclick',
      'meta_capi',
      'tiktok_events',
      'ga4',
      'google_data_manager',
      'plain',
    ])
  })

  test('have one file each', () => {
    const files = readdirSync(new URL('../../../config/presets/', import.meta.url))
    const named = files.map((file) => file.replace('.ts', '').replaceAll('-', '_'))
    expect(named.filter((name) => name !== 'preset' && name !== 'presets').sort()).toEqual(
      [...PRESET_NAMES].sort(),
    )
  })

  test('of an unknown name are null', () => {
    expect(preset('nope')).toBeNull()
    expect(preset('constructor')).toBeNull()
  })

  test.each(PRESETS.map((one) => [one.name, one] as const))('%s fits the schema', (_, one) => {
    expect([...Value.Errors(PresetSchema, one)]).toEqual([])
  })

  test.each(PRESETS.filter((one) => one.click_id_parameter !== null).map((one) => [one.name, one] as const))(
    '%s lists its click-id parameter as required',
    (_, one) => {
      const parameter = one.parameters.find(({ name }) => name === one.click_id_parameter)
      expect(parameter?.need).toBe('required')
    },
  )

  test.each(PRESETS.map((one) => [one.name, one] as const))(
    'the example of %s can be saved as it is and is recognised',
    async (name, one) => {
      const url = filled(one.example ?? '')
      const { findings } = await checkDefinition(
        {
          url,
          preset: name,
          method: one.method,
          headers: one.headers ?? {},
          body: one.body ?? null,
          secrets: {
            ACCESS_TOKEN: sampleBox.seal('a'),
            API_SECRET: sampleBox.seal('b'),
            PIXEL_CODE: sampleBox.seal('c'),
          },
          statuses: ['approved', 'pending'],
        },
        { allowCidrs: [] },
      )
      expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([])
      if (name !== 'plain' && name !== 'bemob') expect(recognise(url)[0]?.name).toBe(name)
    },
  )

  test.each([
    ['https://trk.example.com/postback?cid=x', ['voluum', 'bemob']],
    ['https://abc12.bemobtrcks.com/postback?cid=x', ['bemob', 'voluum']],
    ['https://trk.example.com/postback?CID=x', ['voluum', 'bemob']],
    ['https://trk.example.com/postback/?clickid=x', ['redtrack']],
    ['https://trk.example.com//postback?cid=x', ['voluum', 'bemob']],
    ['https://trk.example.com//a1b2c3//postback?subid=x', ['keitaro']],
    ['https://trk.example.com/a1b2c3/postback?subid=x', ['keitaro']],
    ['https://trk.example.com/a1b2c3/postback?clickid=x', ['keitaro']],
    ['https://trk.example.com/click.php?cnv_id=x', ['binom_v1']],
    ['https://trk.example.com/folder/click.php?cnv_id=x', ['binom_v1']],
    ['https://trk.example.com/click?cnv_id=x', ['binom_v2']],
    ['https://trk.example.com/cf/cv?click_id=x', ['clickflare']],
    ['https://trk.example.com/cf/postback?cid=x', ['clickflare']],
    ['https://trk.example.com/pb/?hit=x', ['funnelflux']],
    ['https://pstb.peerclick.com/postback?cid=x', ['peerclick', 'voluum', 'bemob']],
    ['https://graph.facebook.com/v23.0/123/events?access_token=x', ['meta_capi']],
    ['https://trk.example.com/other?cid=x', []],
    ['https://evil.com/?u=pstb.peerclick.com/postback', []],
    ['https://pstb.peerclick.com.evil.com/', []],
    ['', []],
  ])('%s is recognised as %j', (url, names) => {
    expect(recognise(url).map((preset) => preset.name)).toEqual(names)
  })
})
