import type { Uuid } from '../../src/kit/ids.ts'
import type { QueueName, Queues } from '../../src/queue/queues.ts'

type Run = (queue: QueueName, batchId: Uuid) => Promise<void>

export type MemoryQueues = Queues & {
  /** Every hint, in order. */
  hinted: { queue: QueueName; batchId: Uuid }[]
  /** Hands a job out once more, as a Redis restored from its snapshot does. */
  again(batchId: Uuid): Promise<void>
  /** How often a hint reaches a worker; 0 loses it. */
  copies: (batchId: Uuid) => number
  roomJobs: number
}

/** The queues' face without BullMQ, for tests of what happens when hints are lost or doubled. */
export function createMemoryQueues(): MemoryQueues {
  const runs = new Set<Run>()
  let turn = 0
  const handOut = async (queue: QueueName, batchId: Uuid): Promise<void> => {
    const workers = [...runs]
    await workers[turn++ % Math.max(1, workers.length)]?.(queue, batchId).catch(() => undefined)
  }
  const queues: MemoryQueues = {
    backend: 'postgres',
    hinted: [],
    roomJobs: 100,
    copies: () => 1,
    async hint(queue, batchId) {
      queues.hinted.push({ queue, batchId })
      for (let copy = queues.copies(batchId); copy > 0; copy--) setImmediate(handOut, queue, batchId)
      return 'added'
    },
    again: (batchId) => handOut('deliver', batchId),
    room: () => (runs.size === 0 ? 0 : queues.roomJobs),
    take: () => undefined,
    work(run) {
      runs.add(run)
      return {
        async close() {
          runs.delete(run)
        },
      }
    },
    problem: () => null,
    close: async () => undefined,
  }
  return queues
}
