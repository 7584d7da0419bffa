import { expect, test } from 'vitest'
import { groupIntoBatches, type TakenRow } from '../../../src/dispatch/group-batches.ts'

const rows = (destinationId: string, count: number, row: Partial<TakenRow> = {}): TakenRow[] =>
  Array.from({ length: count }, (_, index) => ({
    deliveryId: `${destinationId}${index}`,
    destinationId,
    suspect: false,
    alone: false,
    ...row,
  }))

test('every row travels exactly once, at most 100 in a batch', () => {
  const taken = [
    ...rows('a', 230),
    ...rows('b', 7),
    ...rows('c', 120, { alone: true }),
    ...rows('d', 3, { suspect: true }),
  ]
  const batches = groupIntoBatches(taken)
  expect(batches.flatMap((batch) => batch.deliveries).sort()).toEqual(
    taken.map((row) => row.deliveryId).sort(),
  )
  expect(Math.max(...batches.map((batch) => batch.deliveries.length))).toBeLessThanOrEqual(100)
})

test('rows of a lane that is not direct travel with their like only', () => {
  const batches = groupIntoBatches([...rows('a', 3), ...rows('b', 2, { alone: true })])
  expect(batches).toEqual([
    { destinationId: 'b', suspect: false, deliveries: ['b0', 'b1'] },
    { destinationId: null, suspect: false, deliveries: ['a0', 'a1', 'a2'] },
  ])
})

test('a suspect travels alone', () => {
  const batches = groupIntoBatches([...rows('a', 2, { suspect: true }), ...rows('a', 1)])
  expect(batches.map((batch) => [batch.suspect, batch.deliveries.length])).toEqual([
    [true, 1],
    [true, 1],
    [false, 1],
  ])
})

test('in mixed batches the destinations take turns', () => {
  const [batch] = groupIntoBatches([...rows('a', 3), ...rows('b', 2)])
  expect(batch?.deliveries).toEqual(['a0', 'b0', 'a1', 'b1', 'a2'])
})
