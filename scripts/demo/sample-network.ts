import type { Client, Json } from './client.ts'
import type { DemoAffiliate } from './demo-trackers.ts'

export const OFFER_ID = 'demo-shoes'
const ADVERTISER_ID = 'demo-shop'

/** What the demo's advertiser calls. */
export type SampleNetwork = { token: string }

/** Makes what is missing; of an earlier run, brings the trackers' addresses up to date. */
export async function makeSampleNetwork(
  client: Client,
  affiliates: readonly DemoAffiliate[],
): Promise<SampleNetwork> {
  const known = await client.find(`/v1/advertisers/${ADVERTISER_ID}`)
  // A token is shown only once, so that of an earlier run is replaced.
  const { token } =
    known === null
      ? await client.ask('POST', '/v1/advertisers', { external_id: ADVERTISER_ID, name: 'Shoe shop' })
      : await client.ask('POST', `/v1/advertisers/${ADVERTISER_ID}/rotate-token`, {})
  await make(client, 'offers', OFFER_ID, {
    advertiser_id: ADVERTISER_ID,
    name: 'Running shoes, 12 % of the sale',
    landing_url: 'https://shoe-shop.example/?click={network_click_id}',
    payout: { type: 'percent', value: '12', currency: 'EUR' },
  })
  for (const affiliate of affiliates) {
    await make(client, 'affiliates', affiliate.id, { name: affiliate.name })
    await make(client, 'destinations', affiliate.id, {
      affiliate_id: affiliate.id,
      name: `${affiliate.name}'s ${affiliate.trackerName}`,
      preset: affiliate.preset,
      url: affiliate.url,
      statuses: affiliate.statuses,
    })
  }
  return { token }
}

async function make(client: Client, noun: string, externalId: string, fields: Json): Promise<void> {
  const known = await client.find(`/v1/${noun}/${externalId}`)
  if (known === null) await client.ask('POST', `/v1/${noun}`, { external_id: externalId, ...fields })
  else if (noun === 'destinations')
    await client.ask('PATCH', `/v1/${noun}/${externalId}`, { url: fields.url })
}
