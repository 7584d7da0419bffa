import { eventually } from '../support/eventually.ts'
import type { Site } from './site.ts'
import type { Status } from './story.ts'

/** A destination of the network: what its tracker is told of. */
export type Target = {
  affiliate: 0 | 1
  statuses: readonly Status[]
  /** Told of changes of the amount alone. */
  amounts: boolean
  delaySeconds: number
}

const ALL: readonly Status[] = ['pending', 'approved', 'rejected']

/** One per tracker, in the trackers' order. */
export const TARGETS: readonly Target[] = [
  { affiliate: 0, statuses: ALL, amounts: true, delaySeconds: 0 },
  { affiliate: 0, statuses: ['approved'], amounts: false, delaySeconds: 0 },
  { affiliate: 1, statuses: ALL, amounts: true, delaySeconds: 0 },
  { affiliate: 1, statuses: ALL, amounts: true, delaySeconds: 1 },
]

export type Network = { token: string; offerId: string; affiliateIds: [string, string] }

export async function makeNetwork({ client, trackerUrls }: Site): Promise<Network> {
  const advertiser = await client.post('/v1/advertisers', { name: 'Shop' })
  const offer = await client.post('/v1/offers', {
    advertiser_id: advertiser.id,
    name: 'Sale',
    payout: { type: 'passthrough', currency: 'USD' },
  })
  const first = await client.post('/v1/affiliates', { name: 'First' })
  const second = await client.post('/v1/affiliates', { name: 'Second' })
  const affiliateIds: [string, string] = [first.id, second.id]
  for (const [index, target] of TARGETS.entries())
    await client.post('/v1/destinations', {
      affiliate_id: affiliateIds[target.affiliate],
      url: `${trackerUrls[index]}/postback?${[
        'click={affiliate_click_id}',
        'did={delivery_id}',
        'txid={transaction_id}',
        'rev={revision}',
        'status={status}',
        'payout={payout}',
      ].join('&')}`,
      statuses: target.statuses,
      changes: target.amounts ? ['status', 'amount'] : ['status'],
      delay_seconds: target.delaySeconds,
    })
  await eventually(
    async () => {
      const { workers } = await client.get('/readyz')
      if (workers.alive < 2) throw new Error('the workers are not there yet')
    },
    { timeoutMs: 60_000 },
  )
  return { token: advertiser.token, offerId: offer.id, affiliateIds }
}
