import { describe, expect, test } from 'vitest'
import { comparePage, type LoggedDelivery, type Page } from '../../chaos/books.ts'
import type { Happening } from '../../chaos/fault.ts'
import type { Target } from '../../chaos/network.ts'
import type { RequestRecord } from '../../chaos/receivers-contract.ts'
import type { Story } from '../../chaos/story.ts'

const TARGETS: readonly Target[] = [
  { affiliate: 0, statuses: ['pending', 'approved', 'rejected'], amounts: true, delaySeconds: 0 },
]
const STORY: Story = {
  transactionId: 'c-00000001',
  affiliate: 0,
  clickAfterMs: null,
  reports: [
    { status: 'pending', payout: '1.00', afterMs: 0 },
    { status: 'approved', payout: '1.00', afterMs: 0 },
  ],
}

const delivery = (revision: number, over: Partial<LoggedDelivery> = {}): LoggedDelivery => ({
  id: `dlv_${revision}`,
  tracker: 0,
  revision,
  status: revision === 1 ? 'pending' : 'approved',
  payout: '1.00',
  state: 'delivered',
  reason: null,
  attempts: [{ startedMs: revision * 10_000, verdict: 'delivered', error: null, late: false }],
  ...over,
})
const request = (revision: number, over: Partial<RequestRecord> = {}): RequestRecord => ({
  tracker: 0,
  delivery: `dlv_${revision}`,
  transaction: STORY.transactionId,
  revision,
  status: revision === 1 ? 'pending' : 'approved',
  payout: '1.00',
  atMs: revision * 10_000 + 5,
  heard: true,
  answered: 200,
  doneMs: revision * 10_000 + 9,
  ...over,
})
const GOOD: Page = {
  story: STORY,
  stored: { status: 'approved', payout: '1.000000' },
  deliveries: [delivery(1), delivery(2)],
  requests: [request(1), request(2)],
}
const kill = (fromMs: number, mendedMs: number): Happening => ({
  name: 'worker killed',
  fromMs,
  mendedMs,
  recoveryMs: 0,
  failure: null,
  losesOutcomes: true,
})
const compare = (over: Partial<Page>, happenings: readonly Happening[] = []) =>
  comparePage({ ...GOOD, ...over }, TARGETS, happenings)
const kinds = (over: Partial<Page>, happenings: readonly Happening[] = []): string[] => [
  ...new Set(compare(over, happenings).findings.map((finding) => finding.kind)),
]

test('books that agree have no finding', () => {
  expect(compare({})).toEqual({ findings: [], duplicates: [] })
})

describe('lost', () => {
  test('an acknowledged conversion that is not stored', () => {
    expect(kinds({ stored: null })).toEqual(['lost'])
  })
  test('an acknowledged change that is not stored', () => {
    expect(kinds({ stored: { status: 'pending', payout: '1' } })).toEqual(['lost'])
  })
  test('a tracker that never took the newest state', () => {
    expect(kinds({ requests: [request(1), request(2, { answered: 0 })] })).toEqual(['lost'])
  })
  test('a delivery that is not finished', () => {
    expect(kinds({ deliveries: [delivery(1, { state: 'scheduled' }), delivery(2)] })).toEqual(['lost'])
  })
})

test('an older revision after a newer one is out of order, whatever it was answered', () => {
  const late = request(1, { atMs: 20_500, answered: 0, heard: false })
  const deliveries = [
    delivery(1, { attempts: [{ startedMs: 20_490, verdict: 'retry', error: 'timeout', late: false }] }),
    delivery(2),
  ]
  expect(kinds({ deliveries, requests: [request(2), late] })).toEqual(['out_of_order'])
})

test('a call of a delivery that is not stored is found', () => {
  expect(kinds({ deliveries: [delivery(2)] })).toContain('not_stored')
})

test('a success in the log without a call at the tracker is found', () => {
  expect(kinds({ requests: [request(2)] })).toEqual(['made_up'])
})

describe('a second call of what the tracker had counted', () => {
  const again = request(2, { atMs: 29_000 })
  const attempt = (startedMs: number, verdict: string, late = false) => ({
    startedMs,
    verdict,
    error: verdict === 'retry' ? 'timeout' : null,
    late,
  })
  const withAttempts = (...attempts: LoggedDelivery['attempts']) => ({
    deliveries: [delivery(1), delivery(2, { attempts })],
    requests: [request(1), request(2), again],
  })

  test('is unexplained where the log says delivered', () => {
    const page = withAttempts(attempt(20_000, 'delivered'), attempt(28_990, 'delivered'))
    expect(kinds(page)).toEqual(['unexplained_duplicate'])
  })
  test('is explained by an attempt that got no answer in time', () => {
    const page = withAttempts(attempt(20_000, 'retry'), attempt(28_990, 'delivered'))
    expect(compare(page)).toEqual({
      findings: [],
      duplicates: [{ cause: 'its answer was lost', atMs: 29_000, timedOut: true }],
    })
  })
  test('is explained by an attempt marked late', () => {
    const page = withAttempts(attempt(20_000, 'delivered', true), attempt(28_990, 'delivered'))
    expect(compare(page).duplicates).toEqual([{ cause: 'late', atMs: 29_000, timedOut: false }])
  })
  test('without an attempt is explained by a death at that time only', () => {
    const page = withAttempts(attempt(28_990, 'delivered'))
    expect(compare(page, [kill(20_100, 21_000)])).toEqual({
      findings: [],
      duplicates: [{ cause: 'outcome lost', atMs: 29_000, timedOut: false }],
    })
    expect(kinds(page, [kill(40_000, 41_000)])).toEqual(['unlogged', 'unexplained_duplicate'])
  })
})
