import type { Context } from '../../src/context.ts'
import { createSecretBox } from '../../src/kit/secret-box.ts'
import { createMetrics } from '../../src/reports/metrics.ts'

type Absent = Pick<Context, 'queues' | 'roads' | 'outbound' | 'secrets' | 'metrics'>

/** What a context has besides its database, for tests in which nothing is queued or called. */
export const absentParts = (): Absent => ({
  queues: {
    backend: 'redis',
    hint: async () => 'failed',
    room: () => 0,
    take: () => undefined,
    work: () => ({ close: async () => undefined }),
    problem: () => null,
    close: async () => undefined,
  },
  roads: { isDirect: () => true, close: async () => undefined },
  outbound: { send: async () => ({ kind: 'not_sent' }), close: async () => undefined },
  secrets: createSecretBox('a secrets key of thirty-two characters'),
  metrics: createMetrics(),
})

/** The JSON of an answer; null where it is none. */
// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the tests' own assertions
export const parseAnswer = (body: string): any => {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}
