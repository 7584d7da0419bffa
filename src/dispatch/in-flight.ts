/** Work that a stop waits for. */
export type InFlight = {
  track<T>(work: Promise<T>): Promise<T>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

export function createInFlight(): InFlight {
  const open = new Set<Promise<unknown>>()
  return {
    track(work) {
      open.add(work)
      const done = (): unknown => open.delete(work)
      work.then(done, done)
      return work
    },
    async idle() {
      while (open.size > 0) await Promise.allSettled(open)
    },
  }
}
