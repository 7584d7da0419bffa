import type { Uuid } from '../kit/ids.ts'
import { BATCH_ROWS_MAX } from './batches.ts'

/** A row that the sweep took out of `due`. `alone`: its lane is not direct, so it travels only with its like. */
export type TakenRow = { deliveryId: Uuid; destinationId: Uuid; suspect: boolean; alone: boolean }

export type NewBatch = { destinationId: Uuid | null; suspect: boolean; deliveries: Uuid[] }

/**
 * Who travels together: suspects each alone, rows of lanes that are not direct by destination, all others mixed. In
 * mixed batches the destinations take turns, so that several workers share the rows of each.
 */
export function groupIntoBatches(rows: readonly TakenRow[]): NewBatch[] {
  const suspects = rows.filter((row) => row.suspect)
  const others = rows.filter((row) => !row.suspect)
  const alone = byDestination(others.filter((row) => row.alone))
  const mixed = inTurns(byDestination(others.filter((row) => !row.alone)))
  return [
    ...suspects.map((row) => ({
      destinationId: row.alone ? row.destinationId : null,
      suspect: true,
      deliveries: [row.deliveryId],
    })),
    ...[...alone].flatMap(([destinationId, ids]) =>
      chunks(ids).map((deliveries) => ({ destinationId, suspect: false, deliveries })),
    ),
    ...chunks(mixed).map((deliveries) => ({ destinationId: null, suspect: false, deliveries })),
  ]
}

function byDestination(rows: readonly TakenRow[]): Map<Uuid, Uuid[]> {
  const groups = new Map<Uuid, Uuid[]>()
  for (const row of rows) {
    const group = groups.get(row.destinationId)
    if (group === undefined) groups.set(row.destinationId, [row.deliveryId])
    else group.push(row.deliveryId)
  }
  return groups
}

function inTurns(groups: ReadonlyMap<Uuid, readonly Uuid[]>): Uuid[] {
  const lists = [...groups.values()]
  const turns = lists.reduce((most, list) => Math.max(most, list.length), 0)
  return Array.from({ length: turns }, (_, turn) =>
    lists.flatMap((list) => {
      const id = list[turn]
      return id === undefined ? [] : [id]
    }),
  ).flat()
}

const chunks = (ids: readonly Uuid[]): Uuid[][] =>
  Array.from({ length: Math.ceil(ids.length / BATCH_ROWS_MAX) }, (_, index) =>
    ids.slice(index * BATCH_ROWS_MAX, (index + 1) * BATCH_ROWS_MAX),
  )
