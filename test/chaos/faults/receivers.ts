import { setTimeout as wait } from 'node:timers/promises'
import { always, type Fault } from '../fault.ts'
import type { Mood } from '../receivers-contract.ts'

const moodFault = (input: { name: string; mood: Mood; how: string; promise: string }): Fault => ({
  name: input.name,
  how: `${input.how}, two of four trackers, 8 s`,
  promise: input.promise,
  losesOutcomes: false,
  canHappen: always,
  async happen(site, random) {
    const trackers = random.shuffle(site.trackerUrls.map((_, index) => index)).slice(0, 2)
    for (const tracker of trackers) await site.mood(tracker, input.mood)
    await wait(8000)
    for (const tracker of trackers) await site.mood(tracker, 'good')
  },
})

export const RECEIVER_FAULTS: readonly Fault[] = [
  moodFault({
    name: 'tracker dead',
    mood: 'dead',
    how: 'connections are refused',
    promise: 'retried by the schedule',
  }),
  moodFault({
    name: 'tracker hanging',
    mood: 'hangs',
    how: 'calls are taken and never answered',
    promise: 'each call ends by its timeout and is retried',
  }),
  moodFault({
    name: 'tracker flapping',
    mood: 'flapping',
    how: '200 and 503 change every 0.4 s',
    promise: 'what was answered 503 is retried',
  }),
  moodFault({
    name: 'tracker resetting',
    mood: 'resets',
    how: 'RST instead of an answer, half of them after the conversion was counted',
    promise: 'retried with the same delivery id; the attempt is on record',
  }),
  moodFault({
    name: 'answer just before the timeout',
    mood: 'just_before',
    how: 'answered 0.2 s before it',
    promise: 'counts; nothing is sent twice',
  }),
  moodFault({
    name: 'answer just after the timeout',
    mood: 'just_after',
    how: 'counted, answered 0.15 s after it',
    promise: 'retried with the same delivery id; the attempt is on record as timed out',
  }),
  moodFault({
    name: 'tracker asks to wait',
    mood: 'asks_to_wait',
    how: '429 with Retry-After: 2',
    promise: 'the lane is held for so long; no retry is used up',
  }),
]
