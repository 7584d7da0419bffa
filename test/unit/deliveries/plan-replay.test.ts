import { expect, test } from 'vitest'
import { planReplay, type ReplaySibling } from '../../../src/deliveries/plan-replay.ts'

const sibling = (id: string, revision: number, change: Partial<ReplaySibling> = {}): ReplaySibling => ({
  id,
  revision,
  state: 'delivered',
  attemptsCount: 1,
  waits: false,
  batchId: null,
  ...change,
})

const plan = (siblings: ReplaySibling[], hasNewerRejected = false) =>
  planReplay({ targetId: 'target', siblings, hasNewerRejected })

const NOTHING_OLDER = { superseded: [], travelling: null }

test.each(['delivered', 'refused', 'failed', 'cancelled'] as const)('a %s delivery is re-opened', (state) => {
  expect(plan([sibling('target', 1, { state })])).toEqual({ kind: 'reopen', older: NOTHING_OLDER })
})

test('a skipped delivery is decided again', () => {
  expect(plan([sibling('target', 1, { state: 'skipped', attemptsCount: 0 })])).toMatchObject({
    kind: 'decide',
  })
})

test('a waiting delivery is due now, one on the wire is left alone', () => {
  expect(plan([sibling('target', 1, { state: 'scheduled', waits: true })])).toEqual({ kind: 'due_now' })
  expect(plan([sibling('target', 1, { state: 'scheduled', batchId: 'b' })])).toEqual({ kind: 'on_its_way' })
})

test('a superseded delivery is never sent again', () => {
  expect(plan([sibling('target', 1, { state: 'superseded' })])).toMatchObject({ kind: 'refused' })
})

test.each([
  ['was delivered', { state: 'delivered' }],
  ['was tried and failed, since the tracker may have heard it', { state: 'failed', attemptsCount: 3 }],
  ['was refused', { state: 'refused' }],
  ['waits', { state: 'scheduled', attemptsCount: 0, waits: true }],
  ['is on the wire', { state: 'scheduled', attemptsCount: 0, batchId: 'b' }],
] as const)('a newer revision that %s refuses the older one', (_what, newer) => {
  expect(plan([sibling('target', 1), sibling('newer', 2, newer)])).toEqual({
    kind: 'refused',
    code: 'newer_revision',
  })
})

test.each([
  ['was skipped', { state: 'skipped', attemptsCount: 0 }],
  ['was cancelled before it was sent', { state: 'cancelled', attemptsCount: 0 }],
  ['was superseded', { state: 'superseded', attemptsCount: 0 }],
  ['could not be rendered', { state: 'failed', attemptsCount: 0 }],
] as const)('a newer revision that %s does not refuse the older one', (_what, newer) => {
  expect(plan([sibling('target', 1), sibling('newer', 2, newer)])).toMatchObject({ kind: 'reopen' })
})

test('a newer rejected revision refuses even if this destination never heard it', () => {
  expect(plan([sibling('target', 1)], true)).toMatchObject({ kind: 'refused' })
})

test('the newest revision is replayed whatever the older ones are', () => {
  expect(plan([sibling('older', 1), sibling('target', 2)])).toEqual({ kind: 'reopen', older: NOTHING_OLDER })
})

test('an older one that waits gives way, one on the wire goes first', () => {
  const waits = sibling('waits', 1, { state: 'scheduled', attemptsCount: 0, waits: true })
  const travels = sibling('travels', 1, { state: 'scheduled', batchId: 'batch' })
  expect(plan([waits, sibling('target', 2, { state: 'skipped' })])).toEqual({
    kind: 'decide',
    older: { superseded: ['waits'], travelling: null },
  })
  expect(plan([travels, sibling('target', 2, { state: 'failed' })])).toEqual({
    kind: 'reopen',
    older: { superseded: [], travelling: { id: 'travels', batchId: 'batch' } },
  })
})
