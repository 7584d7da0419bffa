import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startWorkerPool } from '../../../src/worker-pool.ts'

/** A process that ends when its channel closes. */
function runningChild(): ChildProcess {
  const child = Object.assign(new EventEmitter(), {
    connected: true,
    kill: () => true,
    disconnect: () => child.emit('exit', 0, null),
  })
  return child as unknown as ChildProcess
}

test('a worker that can not be forked, as where memory is short, is tried again and ends nobody else', async () => {
  const { promise: started, resolve } = Promise.withResolvers<void>()
  let forks = 0
  const pool = startWorkerPool({
    count: 1,
    log: pino({ level: 'silent' }),
    fork() {
      forks++
      // Node throws this one instead of emitting it.
      if (forks === 1) throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' })
      resolve()
      return runningChild()
    },
  })
  await started
  await pool.close(1000)
  expect(forks).toBe(2)
})
