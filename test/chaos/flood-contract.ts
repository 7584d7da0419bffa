/** Each URL has TXID where the transaction id goes; numbers count from `from`. */
export type FloodQuestion = {
  ask: 'flood'
  urls: string[]
  from: number
  perSecond: number
  forMs: number
  connections: number
}

/** What became of the calls that were sent in one second. */
export type FloodSecond = {
  /** Numbers of the calls that were acknowledged. */
  accepted: number[]
  /** 429 and 503. */
  refused: number
  lost: number
  withoutRetryAfter: number
  acceptedMs: number[]
  refusedMs: number[]
}
