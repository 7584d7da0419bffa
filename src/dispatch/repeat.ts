export type Repeat = {
  /** Runs it now, or once more after the run that is under way. */
  now(): Promise<void>
  /** No run starts after this; resolves when the one under way has ended. */
  stop(): Promise<void>
}

/** Runs fn at once and then everyMs after the end of the last run, never twice at a time. A rejection goes to onError. */
export function repeat(everyMs: number, fn: () => Promise<void>, onError: (error: unknown) => void): Repeat {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  const run = (): Promise<void> => {
    clearTimeout(timer)
    running = running
      .then(() => (stopped ? undefined : fn()))
      .catch(onError)
      .then(() => {
        clearTimeout(timer)
        if (!stopped) timer = setTimeout(run, everyMs)
      })
    return running
  }
  void run()
  return {
    now: run,
    stop() {
      stopped = true
      clearTimeout(timer)
      return running
    },
  }
}
