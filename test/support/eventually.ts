import { setTimeout as delay } from 'node:timers/promises'

/**
 * Runs an assertion until it passes and returns its result; after timeoutMs its last error is thrown.
 * For states that no event announces.
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 25 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() > endsAt) throw error
    }
    await delay(everyMs)
  }
}
