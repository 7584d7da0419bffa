/** The relay's HTTP interface as a test uses it. */
export type TestClient = {
  get<T = Json>(path: string): Promise<T>
  post<T = Json>(path: string, body: unknown): Promise<T>
}

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test says they are.
export type Json = any

/** Calls with an admin key; anything but a 2xx is an error that holds the answer. */
export function createTestClient(url: string, key: string): TestClient {
  const call = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
  return { get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) }
}

export type SampleNetwork = {
  token: string
  advertiserId: string
  offerId: string
  affiliateId: string
  destinationId: string
}

/** An advertiser with a pass-through offer, and an affiliate whose tracker is told click id, payout and transaction. */
export async function makeSampleNetwork(
  client: TestClient,
  { trackerUrl }: { trackerUrl: string },
): Promise<SampleNetwork> {
  const advertiser = await client.post('/v1/advertisers', { name: 'Shop' })
  const offer = await client.post('/v1/offers', {
    advertiser_id: advertiser.id,
    name: 'Sale',
    payout: { type: 'passthrough', currency: 'USD' },
  })
  const affiliate = await client.post('/v1/affiliates', { name: 'Traffic' })
  const destination = await client.post('/v1/destinations', {
    affiliate_id: affiliate.id,
    url: `${trackerUrl}/postback?clickid={affiliate_click_id}&payout={payout}&txid={transaction_id}`,
  })
  return {
    token: advertiser.token,
    advertiserId: advertiser.id,
    offerId: offer.id,
    affiliateId: affiliate.id,
    destinationId: destination.id,
  }
}

/** The URL an advertiser calls to report one conversion of the sample network. */
export const toPostbackUrl = (url: string, network: SampleNetwork, transactionId: string): string =>
  `${url}/postback/${network.token}?${new URLSearchParams({
    transaction_id: transactionId,
    affiliate_id: network.affiliateId,
    offer_id: network.offerId,
    affiliate_click_id: `click-${transactionId}`,
    payout: '1.25',
    status: 'approved',
  })}`
