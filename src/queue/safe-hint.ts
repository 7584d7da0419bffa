import { toError } from '../kit/app-error.ts'
import { DeadlineError, withDeadline } from '../kit/deadline.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Headroom } from './headroom.ts'
import type { QueueBackend } from './queue-backend.ts'
import type { HintOutcome, QueueName } from './queues.ts'

const HINT_LIMIT_MS = 2000
const OUTSTANDING_ADDS_MAX = 64

/**
 * `hint` of Queues on any backend: at most 64 adds on their way at a time, the rest wait their turn, and each is
 * answered within two seconds whatever the backend does. A turn ends when its add settles, not when we gave up on it.
 */
export function createSafeHint(options: {
  backend: Pick<QueueBackend, 'add' | 'outcomeOf'>
  headroom: Pick<Headroom, 'addSucceeded' | 'addFailed'>
  nowMs: () => number
}): (queue: QueueName, batchId: Uuid) => Promise<HintOutcome> {
  const { backend, headroom, nowMs } = options
  let outstanding = 0
  const waiting = new Set<() => void>()

  const release = (): void => {
    const [next] = waiting
    if (next === undefined) {
      outstanding--
      return
    }
    waiting.delete(next)
    next()
  }

  const takeTurn = async (): Promise<void> => {
    if (outstanding < OUTSTANDING_ADDS_MAX) outstanding++
    else await waitForTurn(waiting)
  }

  return async (queue, batchId) => {
    const startedMs = nowMs()
    let sent = false
    try {
      await takeTurn()
      sent = true
      const adding = backend.add(queue, batchId).finally(release)
      adding.catch(() => undefined)
      await withDeadline(adding, Math.max(1, HINT_LIMIT_MS - (nowMs() - startedMs)))
      headroom.addSucceeded()
      return 'added'
    } catch (cause) {
      const error = toError(cause)
      const outcome = !sent ? 'failed' : error instanceof DeadlineError ? 'maybe' : backend.outcomeOf(error)
      headroom.addFailed(nowMs())
      return outcome
    }
  }
}

/** Resolves when a turn is handed over; rejects after the limit, unless the turn came in that same instant. */
async function waitForTurn(waiting: Set<() => void>): Promise<void> {
  let granted = false
  let grant = (): void => undefined
  const turn = new Promise<void>((resolve) => {
    grant = () => {
      granted = true
      resolve()
    }
  })
  waiting.add(grant)
  try {
    await withDeadline(turn, HINT_LIMIT_MS)
  } catch (error) {
    waiting.delete(grant)
    if (!granted) throw error
  }
}
