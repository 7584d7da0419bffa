const EVERY_MS = 30_000

/** Says `line()` twice a minute until the work is done, so that a long wait shows that it goes on. */
export async function withProgress<T>(
  say: (line: string) => void,
  line: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const startedMs = performance.now()
  const timer = setInterval(() => {
    say(`  ${((performance.now() - startedMs) / 60_000).toFixed(1)} min: ${line()}`)
  }, EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
