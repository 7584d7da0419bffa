import type { Advertiser } from '../catalogue/catalogue.ts'
import type { AppError } from '../kit/app-error.ts'
import type { Uuid } from '../kit/ids.ts'
import type { InboundCall, Report } from './report.ts'

export type IntakeOutcome =
  | { result: 'accepted' | 'duplicate'; conversionId: Uuid; revision: number; note: string | null }
  | { result: 'parked'; reason: 'unknown_click'; conversionId: Uuid; revision: number }
  | { result: 'refused'; error: AppError }
  /** The advertiser's maps, secret or token changed after the report was read: nothing was stored, read it again. */
  | { result: 'stale' }

/** Group commit of inbound calls: what resolves here is in Postgres. */
export type Intake = {
  /**
   * Decides and stores one report, read by the settings of `readBy` (null: by none). Resolves after the commit,
   * refusals included (they are stored as quarantined).
   * Rejects with AppError `overloaded` or `store_unavailable`: nothing was stored.
   */
  submit(
    call: InboundCall & { advertiserId: Uuid },
    report: Report,
    readBy: Advertiser | null,
  ): Promise<IntakeOutcome>
  /** Stores a call that could not be understood, with the reason the caller is told. Rejects like submit. */
  quarantine(
    call: InboundCall,
    error: AppError,
    found: { clickId?: string; transactionId?: string; event?: string },
  ): Promise<void>
  /** Throws AppError `overloaded` where submit would: cheap, for use before a call is parsed. */
  assertRoom(): void
  /** Waits for what was submitted, then refuses more. */
  close(): Promise<void>
}
