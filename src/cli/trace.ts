import type { Static } from 'typebox'
import type { TraceAnswer } from '../deliveries/trace-schema.ts'
import { type Command, onePositional } from './command.ts'
import { toDeliveryTable } from './deliveries.ts'
import { count } from './table.ts'

export const trace: Command = {
  usage: '<id>',
  about: '"The tracker does not show it": what became of any id (click, order, conversion, delivery ...)',
  options: {},
  async run(relay, given) {
    const id = onePositional(given, 'id')
    const json = await relay.get<Static<typeof TraceAnswer>>(`/v1/trace?id=${encodeURIComponent(id)}`)
    return { json, text: describe(json) }
  },
}

function describe(found: Static<typeof TraceAnswer>): string {
  const seen = [
    count(found.inbound_calls.length, 'inbound call', 'inbound calls'),
    count(found.clicks.length, 'click', 'clicks'),
    count(found.conversions.length, 'conversion', 'conversions'),
    count(found.deliveries.length, 'delivery', 'deliveries'),
  ]
  const table = found.deliveries.length === 0 ? [] : ['', toDeliveryTable(found.deliveries)]
  return [found.verdict.sentence, found.verdict.fix, '', `Found: ${seen.join(', ')}.`, ...table].join('\n')
}
