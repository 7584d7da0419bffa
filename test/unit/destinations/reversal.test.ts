import { describe, expect, test } from 'vitest'
import { PRESETS } from '../../../config/presets/presets.ts'
import type { DestinationDefinition } from '../../../src/catalogue/catalogue.ts'
import { reversalFindings } from '../../../src/destinations/reversal.ts'
import { sampleDefinition } from '../../support/destination-samples.ts'

const ALL = ['pending', 'approved', 'rejected'] as const

const codes = (definition: Partial<DestinationDefinition>): string[] =>
  reversalFindings(sampleDefinition({ statuses: [...ALL], ...definition })).map(({ code, message }) =>
    `${code} ${/needs ([a-z_]+)=/.exec(message)?.[1] ?? ''}`.trim(),
  )

const url = (query: string): string => `https://t.example/x/postback?${query}`

describe('a destination that wants rejected conversions', () => {
  test('of a tracker that takes nothing back is warned, and led to the upload where there is one', () => {
    expect(codes({ preset: 'voluum' })).toEqual(['tracker_cannot_reverse'])
    const [voluum] = reversalFindings(sampleDefinition({ preset: 'voluum', statuses: [...ALL] }))
    const [clickflare] = reversalFindings(sampleDefinition({ preset: 'clickflare', statuses: [...ALL] }))
    expect(voluum?.fix).toContain('/reversals.csv')
    expect(clickflare?.fix).toBe('Leave rejected out of statuses.')
  })

  test('of Keitaro needs status and tid', () => {
    expect(codes({ preset: 'keitaro', url: url('subid={cid}') })).toEqual([
      'reversal_parameter status',
      'reversal_parameter tid',
    ])
    const whole = url('subid={cid}&status={status|map:approved=sale}&tid={transaction_id}')
    expect(codes({ preset: 'keitaro', url: whole })).toEqual([])
    expect(codes({ preset: 'keitaro', url: url('subid={cid}&type={status}&tid={transaction_id}') })).toEqual(
      [],
    )
  })

  test('of Binom needs the payout that is due, or the money stays; Upsell is pointed at', () => {
    const before = 'cnv_id={cid}&cnv_status={status}&payout='
    expect(codes({ preset: 'binom_v2', url: url(`${before}{payout}`) })).toEqual([
      'reversal_parameter payout',
      'reversal_needs_setting',
    ])
    expect(codes({ preset: 'binom_v1', url: url(`${before}{payout_due}`) })).toEqual([
      'reversal_needs_setting',
    ])
    const [upsell] = reversalFindings(
      sampleDefinition({ preset: 'binom_v2', statuses: [...ALL], url: url(`${before}{payout_due}`) }),
    )
    expect(upsell?.message).toContain('Upsell')
  })

  test('of RedTrack is told that its duplicate setting decides', () => {
    expect(codes({ preset: 'redtrack', url: url('clickid={cid}&status={status}') })).toEqual([
      'reversal_parameter rdtk_event_id',
      'reversal_needs_setting',
    ])
  })

  test('may say it in fixed words in the URL for rejected', () => {
    const own = url('subid={cid}&status=rejected&tid={transaction_id}')
    expect(codes({ preset: 'keitaro', url: url('subid={cid}'), url_by_status: { rejected: own } })).toEqual(
      [],
    )
    expect(codes({ preset: 'keitaro', url: own })).toEqual(['reversal_parameter status'])
  })
})

test('a destination without rejected hears nothing about reversals', () => {
  for (const { name } of PRESETS) expect(codes({ preset: name, statuses: ['approved'] })).toEqual([])
})

test('what a reversal needs is a parameter that the preset knows', () => {
  for (const { parameters, reversal } of PRESETS)
    for (const { parameter } of reversal.needs ?? [])
      expect(parameters.map(({ name }) => name)).toContain(parameter)
})
