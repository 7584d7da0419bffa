import { createRandom } from './random.ts'

export type Status = 'pending' | 'approved' | 'rejected'

/** One call of the advertiser about a conversion. */
export type Report = {
  status: Status
  payout: string
  /** Ms between the acknowledgement of the report before and this one. */
  afterMs: number
}

/** What happens to one conversion, told by its number alone. */
export type Story = {
  transactionId: string
  /** Which affiliate of the network. */
  affiliate: 0 | 1
  /** Null: attributed by the report itself. Else by a click that is stored this many ms after the first report. */
  clickAfterMs: number | null
  reports: readonly [Report, ...Report[]]
}

const PLOTS: readonly (readonly (Status | 'raise')[])[] = [
  ['approved'],
  ['approved'],
  ['pending', 'approved'],
  ['pending', 'rejected'],
  ['approved', 'rejected'],
  ['approved', 'raise'],
  ['pending', 'approved', 'raise'],
  ['pending', 'approved', 'rejected'],
]

const PREFIX_LENGTH = 2

export const transactionIdOf = (n: number): string => `c-${String(n).padStart(8, '0')}`
export const numberOf = (transactionId: string): number => Number(transactionId.slice(PREFIX_LENGTH))

export function storyOf(seed: number, n: number): Story {
  const random = createRandom(Math.imul(seed, 31) + n)
  let status: Status = 'approved'
  let cents = 100
  const [first, ...rest] = random.pick(PLOTS).map((step): Report => {
    if (step === 'raise') cents += 25
    else status = step
    const afterMs = random.next() < 0.5 ? 0 : random.between(1, 3000)
    return { status, payout: (cents / 100).toFixed(2), afterMs }
  })
  if (first === undefined) throw new Error('a plot without a step')
  return {
    transactionId: transactionIdOf(n),
    affiliate: random.next() < 0.5 ? 0 : 1,
    clickAfterMs: random.next() < 0.03 ? random.between(0, 4000) : null,
    reports: [first, ...rest],
  }
}
