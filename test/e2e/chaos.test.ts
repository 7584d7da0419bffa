import { randomInt } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { ALL_FAULTS } from '../chaos/faults/all.ts'
import { runChaos } from '../chaos/run-chaos.ts'

const FAULTS = [
  'worker killed',
  'PostgreSQL killed',
  'all connections dropped',
  'Redis emptied',
  'tracker resetting',
  'rolling restart',
]

/** The short form of `npm run chaos`; its seed is in the output. */
const runShort = (backend: 'redis' | 'postgres') => {
  const seed = randomInt(1_000_000)
  return runChaos({
    seed,
    backend,
    faults: ALL_FAULTS.filter(({ name }) => FAULTS.includes(name)),
    conversions: Number.POSITIVE_INFINITY,
    perSecond: 25,
    rounds: 'one',
    ownDisk: false,
    say: (line) => process.stdout.write(`chaos seed ${seed}: ${line}\n`),
  })
}

test.skipIf(inject('services').redisServer === null)(
  'faults in the order of a seed, queues on Redis: nothing lost, out of order, unaccounted or repeated without a cause',
  async () => {
    const result = await runShort('redis')
    expect(result.broken).toEqual([])
    expect(result.happenings).toHaveLength(FAULTS.length)
    expect(result.acknowledged).toBeGreaterThan(200)
  },
  600_000,
)

test('the same with the queues on Postgres', async () => {
  const result = await runShort('postgres')
  expect(result.broken).toEqual([])
  expect(result.happenings).toHaveLength(FAULTS.length - 1)
}, 600_000)
