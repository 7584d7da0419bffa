import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startWhenReachable } from '../../../src/queue/start-when-reachable.ts'

const log = pino({ level: 'silent' })

test('a close during the start waits for what is being started, and stops it', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const stopped: string[] = []
  const stop = async (started: string): Promise<void> => void stopped.push(started)
  const starting = startWhenReachable({ start: () => promise, stop, log, what: 'queues' })
  const closing = starting.close()
  resolve('queues')
  await closing
  expect(stopped).toEqual(['queues'])
  expect(starting.current()).toBeNull()
})

test('a close does not wait for ever for a start that never ends', async () => {
  const starting = startWhenReachable({
    start: () => new Promise<string>(() => undefined),
    stop: async () => undefined,
    log,
    what: 'queues',
  })
  await starting.close()
})
