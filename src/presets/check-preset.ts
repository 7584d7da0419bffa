import type { Preset } from '../../config/presets/preset.ts'
import { compileUrl } from '../destinations/compile-url.ts'
import { makeFilter } from '../destinations/filters.ts'
import { parseTemplate } from '../destinations/template.ts'
import { AppError } from '../kit/app-error.ts'

const TEST_PARAMETER = /^[\w.~-]{1,128}$/

/** Throws AppError `invalid_field` for the first thing in a network's own preset that could not work. */
export function assertPresetWorks(preset: Preset): void {
  preset.parameters.forEach(({ macro }, at) => {
    assertMacro(macro, `parameters.${at}.macro`)
  })
  preset.reversal.needs?.forEach(({ macro }, at) => {
    assertMacro(macro, `reversal.needs.${at}.macro`)
  })
  preset.recognise.forEach((rule, at) => {
    if (rule.host === undefined && rule.path === undefined && rule.parameters === undefined)
      refuse(`recognise.${at}`, 'An empty rule would fit every URL.', 'Name a host, a path or parameters.')
  })
  preset.refusals.forEach((rule, at) => {
    const { contains, equals, json, requireBody } = rule
    if (contains === undefined && equals === undefined && json === undefined && requireBody !== true)
      refuse(
        `refusals.${at}`,
        'The rule would refuse every answer.',
        'Say by contains, equals or json what a refusal looks like.',
      )
  })
  assertClickId(preset)
  assertStatus(preset)
  for (const [name, value] of Object.entries(preset.test_parameters))
    if (!TEST_PARAMETER.test(name) || !TEST_PARAMETER.test(value))
      refuse('test_parameters', 'Names and values are letters, digits and . _ ~ -.', 'Write them so.')
}

function assertMacro(text: string, field: string): void {
  const [problem] = compileUrl(parseTemplate(`https://host/?x=${text}`, 'strict')).problems
  if (problem !== undefined) refuse(field, problem.message, problem.fix)
}

function assertClickId({ click_id_parameter: name, parameters }: Preset): void {
  if (name === null || parameters.some((one) => one.name === name)) return
  refuse(
    'click_id_parameter',
    `${name} is not among the parameters.`,
    'List it in parameters, as required and with the macro {affiliate_click_id}.',
  )
}

function assertStatus({ status }: Preset): void {
  if (status === null || status.map === null) return
  const made = makeFilter({ name: 'map', arg: status.map })
  if (made !== 'unknown' && 'problem' in made)
    refuse('status.map', `The filter map ${made.problem}.`, 'Write it like approved=sale,pending=lead.')
}

function refuse(field: string, message: string, fix: string): never {
  throw new AppError('invalid_field', { field, message, fix })
}
