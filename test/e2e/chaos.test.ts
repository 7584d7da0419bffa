import { expect, inject, test } from 'vitest'
import { ALL_FAULTS } from '../chaos/faults/all.ts'
import { runChaos } from '../chaos/run-chaos.ts'

/** The short form of `npm run chaos`, always by the same seed; `npm run chaos` draws its own. */
const runShort = (backend: 'redis' | 'postgres', names: readonly string[]) => {
  const seed = 20_261_123
  return runChaos({
    seed,
    backend,
    client: 'got',
    end: new AbortController().signal,
    faults: ALL_FAULTS.filter(({ name }) => names.includes(name)),
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
    const faults = [
      'worker killed',
      'all connections dropped',
      'Redis emptied',
      'tracker resetting',
      'rolling restart',
    ]
    const result = await runShort('redis', faults)
    expect(result.broken).toEqual([])
    expect(result.happenings).toHaveLength(faults.length)
    expect(result.acknowledged).toBeGreaterThan(200)
  },
  600_000,
)

test('faults with the queues on Postgres: the same', async () => {
  const faults = ['worker killed', 'PostgreSQL killed']
  const result = await runShort('postgres', faults)
  expect(result.broken).toEqual([])
  expect(result.happenings).toHaveLength(faults.length)
}, 600_000)
