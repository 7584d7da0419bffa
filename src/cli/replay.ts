import type { ReplayWire } from '../deliveries/schema.ts'
import { type Command, onePositional } from './command.ts'

export const replay: Command = {
  usage: '<delivery id> [--original]',
  about: 'Sends one delivery again, rendered anew or (--original) as it was',
  options: { original: { type: 'boolean' } },
  async run(relay, given) {
    const id = onePositional(given, 'delivery id')
    const json = await relay.post<ReplayWire>(`/v1/deliveries/${encodeURIComponent(id)}/replay`, {
      render: given.options.original ? 'original' : 'current',
    })
    const risks = json.duplicate_risk.map((risk) => `Mind: ${risk.message}`)
    return {
      json,
      text: [`${json.delivery_id} is ${json.state} again (${json.replay_id}).`, ...risks].join('\n'),
    }
  },
}
