import { randomBytes } from 'node:crypto'

/** A network of `destinations` affiliates with one tracker each, and a click for each of them, made through the API. */
export async function makeNetwork(
  relay: { url: string; key: string },
  receiverPort: number,
  destinations: number,
): Promise<{ token: string; clickPrefix: string }> {
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const answer = await fetch(`${relay.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${relay.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const json = (await answer.json()) as Record<string, string>
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(json)}`)
    return json
  }
  const advertiser = await post('/v1/advertisers', { name: 'Bench' })
  const offer = await post('/v1/offers', {
    advertiser_id: advertiser.id,
    name: 'Bench',
    payout: { type: 'passthrough', currency: 'USD' },
  })
  // A seeded database may have been measured before.
  const clickPrefix = `c${randomBytes(4).toString('hex')}-`
  const clicks = []
  for (let n = 0; n < destinations; n++) {
    const affiliate = await post('/v1/affiliates', { name: `Affiliate ${n}` })
    await post('/v1/destinations', {
      affiliate_id: affiliate.id,
      url: `http://127.0.0.1:${receiverPort}/d${n}?clickid={affiliate_click_id}&payout={payout}&status={status}&txid={transaction_id}`,
    })
    clicks.push({
      click_id: `${clickPrefix}${n}`,
      affiliate_id: affiliate.id,
      offer_id: offer.id,
      affiliate_click_id: `tracker-click-${n}`,
    })
  }
  for (let from = 0; from < clicks.length; from += 1000)
    await post('/v1/clicks', { data: clicks.slice(from, from + 1000) } as object)
  return { token: advertiser.token ?? '', clickPrefix }
}
