import { type Site, type SiteOptions, startSite } from './site.ts'

/** Undoes one step of the start. `keepDir`: records and logs stay for a look. */
export type Cleanup = (how: { keepDir: boolean }) => unknown

/** `run` says whether the folder with all records is worth a look. */
export type SiteRun<Result> = { result: Result; keepDir: boolean }

/**
 * Starts everything, runs, and ends everything, whatever happens: also where the start fails in the middle, and at once
 * where `end` is aborted (with an Error as its reason, which is thrown).
 */
export async function withSite<Result>(
  options: SiteOptions & { end: AbortSignal; say(line: string): void },
  run: (site: Site) => Promise<SiteRun<Result>>,
): Promise<Result> {
  const { end, say } = options
  const cleanups: Cleanup[] = []
  const aborted = new Promise<never>((_, reject) => {
    end.addEventListener('abort', () => reject(end.reason))
  })
  aborted.catch(() => undefined)
  let keepDir = false
  try {
    const site = await startSite(options, cleanups)
    end.throwIfAborted()
    keepDir = true
    const ran = await Promise.race([run(site), aborted])
    keepDir = ran.keepDir
    return ran.result
  } finally {
    if (end.aborted) keepDir = false
    for (const cleanup of cleanups.toReversed())
      await undo(cleanup, keepDir).catch((error) => say(`could not be cleaned up: ${error}`))
  }
}

const undo = async (cleanup: Cleanup, keepDir: boolean): Promise<unknown> => cleanup({ keepDir })
