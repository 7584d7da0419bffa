import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { DemoAffiliate } from './demo-trackers.ts'
import { OFFER_ID, type SampleNetwork } from './sample-network.ts'

/** One sale as the shop knows it. */
export type Sale = { orderId: string; clickId: string; amount: string }

type Needs = { client: Client; network: SampleNetwork; signal: AbortSignal }

let orders = 0

/** A visitor comes by the affiliate's link: the tracker's click id goes in, the network's comes out with the redirect. */
export async function click({ client }: Needs, affiliate: DemoAffiliate): Promise<string> {
  const query = new URLSearchParams({
    offer_id: OFFER_ID,
    affiliate_id: affiliate.id,
    click_id: affiliate.tracker.newClick(),
    sub1: pick(['newsletter', 'search', 'blog']),
  })
  const { status, location } = await client.visit(`/click?${query}`)
  const clickId = location === null ? null : new URL(location).searchParams.get('click')
  if (clickId === null) throw new Error(`GET /click answered ${status} without a click id`)
  return clickId
}

export const newSale = (clickId: string): Sale => ({
  orderId: `order-${Date.now().toString(36)}-${++orders}`,
  clickId,
  amount: (20 + Math.random() * 180).toFixed(2),
})

/** The shop reports a sale. */
export async function report({ client, network }: Needs, sale: Sale, status: string): Promise<void> {
  const query = new URLSearchParams({
    click_id: sale.clickId,
    order_id: sale.orderId,
    amount: sale.amount,
    currency: 'EUR',
    event: 'sale',
    status,
  })
  await client.visit(`/postback/${network.token}?${query}`)
}

const CLICK_EVERY_MS = 350
const SALE_SHARE = 0.5

/** Clicks and what follows from them, until the signal; what the relay does not answer is left out. */
export async function runTraffic(needs: Needs, affiliates: readonly DemoAffiliate[]): Promise<void> {
  while (!needs.signal.aborted) {
    void visit(needs, pick(affiliates)).catch(() => undefined)
    await pause(needs, CLICK_EVERY_MS * (0.5 + Math.random())).catch(() => undefined)
  }
}

async function visit(needs: Needs, affiliate: DemoAffiliate): Promise<void> {
  const clickId = await click(needs, affiliate)
  if (Math.random() > SALE_SHARE) return
  await pause(needs, 300 + Math.random() * 2000)
  await pick(STORIES)(needs, newSale(clickId), affiliate)
}

type Story = (needs: Needs, sale: Sale, affiliate: DemoAffiliate) => Promise<void>

const paid: Story = (needs, sale) => report(needs, sale, 'approved')

const checked: Story = async (needs, sale) => {
  await report(needs, sale, 'pending')
  await pause(needs, 4000 + Math.random() * 8000)
  await report(needs, sale, pick(['approved', 'approved', 'rejected']))
}

const returned: Story = async (needs, sale) => {
  await report(needs, sale, 'approved')
  await pause(needs, 5000 + Math.random() * 10_000)
  await report(needs, sale, 'rejected')
}

const reportedTwice: Story = async (needs, sale) => {
  await report(needs, sale, 'approved')
  await report(needs, sale, 'approved')
}

const macroLeft: Story = (needs, sale) => report(needs, { ...sale, clickId: '{clickid}' }, 'approved')

/** The sale is reported before the network is told of its click. */
const lateClick: Story = async (needs, sale, affiliate) => {
  const clickId = `late-${sale.orderId}`
  await report(needs, { ...sale, clickId }, 'approved')
  await pause(needs, 8000)
  await needs.client.ask('POST', '/v1/clicks', {
    click_id: clickId,
    affiliate_id: affiliate.id,
    offer_id: OFFER_ID,
    affiliate_click_id: affiliate.tracker.newClick(),
  })
}

const STORIES: readonly Story[] = [
  ...Array<Story>(12).fill(paid),
  checked,
  checked,
  checked,
  returned,
  returned,
  reportedTwice,
  macroLeft,
  lateClick,
]

function pick<T>(list: readonly T[]): T {
  const one = list[Math.floor(Math.random() * list.length)]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}

/** Ends early, with an error that ends its story, when the demo stops. */
const pause = ({ signal }: Needs, ms: number): Promise<void> => wait(ms, undefined, { signal, ref: false })
