import { parentPort } from 'node:worker_threads'
import { toError } from '../kit/app-error.ts'
import { renderTask } from './render-row.ts'
import { READY, type SuspectAnswer, type SuspectTask } from './suspect-room.ts'
import { judge } from './verdict.ts'

// The thread in which rows are rendered and judged that were on board when a worker died. What it runs out of, memory
// or time, ends it and not the process. Started by suspect-room.ts only.

function work(task: SuspectTask): unknown {
  if (task.kind === 'judge') return judge(task.outcome, task.rules, task.nowMs)
  const { opened, partnerIds, version, now, ...rest } = task
  return renderTask(
    {
      catalogue: { partnerId: (noun) => partnerIds[noun] },
      secrets: {
        seal: () => '',
        open: (sealed) => {
          const plain = opened[sealed]
          if (plain === undefined) throw new Error('not readable')
          return plain
        },
      },
      version,
      now,
    },
    rest,
  )
}

function answerOf(task: SuspectTask): SuspectAnswer {
  try {
    return { value: work(task), error: null }
  } catch (error) {
    return { value: null, error: toError(error).message }
  }
}

parentPort?.on('message', (task: SuspectTask) => parentPort?.postMessage(answerOf(task)))
parentPort?.postMessage(READY)
