import type { Random } from './random.ts'
import type { Site } from './site.ts'

/** Something that goes wrong, and how the suite makes it. */
export type Fault = {
  name: string
  /** For the table: how it is made. */
  how: string
  /** For the table: what the relay promises meanwhile. */
  promise: string
  /**
   * Whether a call can have been made whose outcome could not be committed: only then may an attempt be missing, or be
   * made twice.
   */
  losesOutcomes: boolean
  /** Calls of advertisers must all succeed meanwhile. */
  noFailedCall?: true
  canHappen(site: Site): boolean
  /** Breaks, waits, mends. Resolves when the last thing is mended. `hold` is how long outages last. */
  happen(site: Site, random: Random): Promise<void>
}

/** A fault as it happened in a run; unix ms. */
export type Happening = {
  name: string
  fromMs: number
  mendedMs: number
  recoveryMs: number | null
  /** Why it could not be made, or its own check failed. */
  failure: string | null
  losesOutcomes: boolean
}

export const always = (): boolean => true
export const hasRedis = (site: Site): boolean => site.redis !== null
