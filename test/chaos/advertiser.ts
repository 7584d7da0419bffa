import { setTimeout as wait } from 'node:timers/promises'
import { type CallResult, createCaller } from './caller.ts'
import type { Network } from './network.ts'
import { ADMIN_KEY, type Site } from './site.ts'
import { type Report, type Story, storyOf } from './story.ts'

/** A call that was not answered 2xx, and why. */
export type FailedCall = { atMs: number; what: string }

/** The load: an advertiser that tells stories at a steady rate and repeats each call until it is acknowledged. */
export type Advertiser = {
  told(): number
  acknowledged(): number
  failed: FailedCall[]
  /** Anything else than 2xx, 429, 503 and lost connections: callers must never be told so. */
  wrong: string[]
  /** Resolves when all stories that were begun are told. */
  finish(): Promise<void>
}

type Options = {
  site: Site
  network: Network
  seed: number
  /** Conversions. */
  perSecond: number
  conversions: number
}

const OPEN_STORIES_MAX = 1500
const TICK_MS = 20
const AGAIN_AFTER_MS = 150

export function startAdvertiser({ site, network, seed, perSecond, conversions }: Options): Advertiser {
  const failed: FailedCall[] = []
  const wrong: string[] = []
  const caller = createCaller()
  let next = 0
  let acknowledged = 0
  let open = 0
  let turn = 0
  let stopped = false

  const note = (result: CallResult): void => {
    if (result.kind === 'answered' && result.status >= 200 && result.status < 300) return
    const what = result.kind === 'answered' ? `${result.status} ${codeOf(result.body)}` : result.why
    failed.push({ atMs: Date.now(), what })
    const isAllowed = result.kind === 'lost' || result.status === 429 || result.status === 503
    if (!isAllowed) wrong.push(`${result.status} ${result.body.slice(0, 300)}`)
    else if (result.kind === 'answered' && result.retryAfterS === null)
      wrong.push(`${result.status} without Retry-After`)
  }

  /** Through a load balancer, which asks the other API where a connection fails without an answer (nginx does by default). */
  const call = async (path: string, body?: unknown): Promise<CallResult> => {
    const urls = site.apis.map((api) => api.url)
    const first = turn++
    for (let i = 0; i < urls.length; i++) {
      const result = await caller.call(`${urls[(first + i) % urls.length]}${path}`, { key: ADMIN_KEY, body })
      const isUnanswered = result.kind === 'lost' && result.why !== 'TIMEOUT'
      if (!isUnanswered || i === urls.length - 1) return result
    }
    throw new Error('there is no API')
  }
  const callUntilDone = async (path: string, body?: unknown): Promise<void> => {
    for (;;) {
      const result = await call(path, body)
      note(result)
      if (result.kind === 'answered' && result.status < 300) return
      await wait(AGAIN_AFTER_MS)
    }
  }

  const tell = async (story: Story): Promise<void> => {
    for (const [index, report] of story.reports.entries()) {
      if (report.afterMs > 0 && index > 0) await wait(report.afterMs)
      await callUntilDone(toPath(network, story, report))
      acknowledged++
      if (index === 0 && story.clickAfterMs !== null) {
        await wait(story.clickAfterMs)
        await callUntilDone('/v1/clicks', toClick(network, story))
      }
    }
  }
  const begin = (): void => {
    open++
    void tell(storyOf(seed, next++)).finally(() => {
      open--
    })
  }

  const startedMs = performance.now()
  let begun = 0
  const timer = setInterval(() => {
    const dueByNow = Math.floor(((performance.now() - startedMs) * perSecond) / 1000)
    const missing = Math.min(dueByNow - begun, OPEN_STORIES_MAX - open, conversions - next)
    // What found no place is not caught up with: the rate stays what it is.
    begun = dueByNow
    for (let i = 0; i < missing && !stopped; i++) begin()
  }, TICK_MS)

  return {
    told: () => next,
    acknowledged: () => acknowledged,
    failed,
    wrong,
    async finish() {
      stopped = true
      clearInterval(timer)
      while (open > 0) await wait(50)
      caller.close()
    },
  }
}

const codeOf = (body: string): string => /"code":"(\w+)"/.exec(body)?.[1] ?? ''

function toPath(network: Network, story: Story, report: Report): string {
  const who =
    story.clickAfterMs === null
      ? {
          affiliate_id: network.affiliateIds[story.affiliate],
          offer_id: network.offerId,
          affiliate_click_id: `k-${story.transactionId}`,
        }
      : { click_id: `click-${story.transactionId}` }
  const { status, payout } = report
  const query = new URLSearchParams({ transaction_id: story.transactionId, status, payout, ...who })
  return `/postback/${network.token}?${query}`
}

const toClick = (network: Network, story: Story): unknown => ({
  click_id: `click-${story.transactionId}`,
  affiliate_id: network.affiliateIds[story.affiliate],
  offer_id: network.offerId,
  affiliate_click_id: `k-${story.transactionId}`,
})
