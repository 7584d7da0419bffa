/** What a tracker does with the calls that reach it. `hangs` and `dead` answer nothing. */
export type Mood =
  | 'good'
  | 'dead'
  | 'hangs'
  | 'flapping'
  | 'resets'
  | 'just_before'
  | 'just_after'
  | 'asks_to_wait'

export type ReceiverQuestion =
  | { ask: 'start'; count: number }
  | { ask: 'mood'; tracker: number; mood: Mood }
  | { ask: 'finish' }

/** One call as a tracker saw it. */
export type RequestRecord = {
  tracker: number
  delivery: string
  transaction: string
  revision: number
  status: string
  payout: string
  /** Unix ms of its arrival. */
  atMs: number
  /** The tracker counted the conversion, whatever became of its answer. */
  heard: boolean
  /** HTTP status that was written out completely; 0: none. */
  answered: number
  /** Unix ms at which the connection was done with it. */
  doneMs: number
}
