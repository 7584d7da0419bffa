import type { Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import { type LaneResult, noteResults } from './note-results.ts'
import { insertStarts, type RecentStart } from './recovery-store.ts'
import { blockLanes, paceLanes } from './store.ts'

/** What outcomes say about the roads: calls that were made, receivers that asked for a wait (ms), lanes that overflowed. */
export type LaneChanges = {
  /** Calls that count against a rate limit. */
  starts: readonly RecentStart[]
  /** Of rows that the sweeper had released. */
  results: readonly LaneResult[]
  blocks: readonly { destinationId: Uuid; forMs: number }[]
  flooded: readonly Uuid[]
}

/** Last in its transaction: lanes are locked after everything else. */
export async function changeLanes(tx: Tx, changes: LaneChanges): Promise<void> {
  if (changes.starts.length > 0) await insertStarts(tx, changes.starts)
  if (changes.results.length > 0) await noteResults(tx, changes.results)
  const longest = new Map<Uuid, number>()
  for (const { destinationId, forMs } of changes.blocks)
    longest.set(destinationId, Math.max(longest.get(destinationId) ?? 0, forMs))
  if (longest.size > 0)
    await blockLanes(
      tx,
      [...longest].map(([destinationId, forMs]) => ({ destinationId, forMs })),
    )
  const flooded = [...new Set(changes.flooded)]
  if (flooded.length > 0) await paceLanes(tx, flooded)
}
