import type { Uuid } from '../kit/ids.ts'
import { identityWithoutTransaction } from './identity.ts'
import type { Report } from './report.ts'

/**
 * What a report may be about, as names that are locked while it is decided: `alone` by itself, `shared` beside others. A
 * report by click alone may be about any conversion of that click, so it has the click alone; one that names its
 * transaction only shares it.
 */
export type Claims = { alone: string; shared: string | null }

/** Null where nothing identifies the conversion: such a report is refused. */
export function claimsOf(advertiserId: Uuid, report: Report): Claims | null {
  const click = (id: string): string => `${advertiserId} click ${id}`
  if (report.transactionId !== null)
    return {
      alone: `${advertiserId} transaction ${report.transactionId}`,
      shared: report.clickId === null ? null : click(report.clickId),
    }
  const identity = identityWithoutTransaction(report)
  return identity === null ? null : { alone: click(identity), shared: null }
}

/** The claims of several reports at once. */
export class HeldClaims {
  readonly #alone = new Set<string>()
  readonly #shared = new Map<string, number>()

  hold({ alone, shared }: Claims): void {
    this.#alone.add(alone)
    if (shared !== null) this.#shared.set(shared, (this.#shared.get(shared) ?? 0) + 1)
  }

  release({ alone, shared }: Claims): void {
    this.#alone.delete(alone)
    if (shared === null) return
    const others = (this.#shared.get(shared) ?? 0) - 1
    if (others > 0) this.#shared.set(shared, others)
    else this.#shared.delete(shared)
  }

  /** True where these must wait for one that is held. */
  blocks({ alone, shared }: Claims): boolean {
    return this.#alone.has(alone) || this.#shared.has(alone) || (shared !== null && this.#alone.has(shared))
  }
}
