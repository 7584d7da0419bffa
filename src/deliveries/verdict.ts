export type Verdict = 'delivered' | 'refused' | 'retry'

/** What an outcome means (API.md 8). */
export type Judgement = {
  verdict: Verdict
  /** Word for attempts.error and the `error` filter: an OutboundErrorCode, `http_<status>`, `success_rule`, or a preset's refusal word; null where delivered. */
  error: string | null
  /** The receiver asked to wait (Retry-After of 429 and 503), ms, at most 24 h; the lane is blocked for that long and the retry is not counted. */
  retryAfterMs: number | null
  /** 410: the destination is to be disabled. */
  disable: boolean
}
