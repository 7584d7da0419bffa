import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../../src/context.ts'
import { startDelivering } from '../../src/dispatch/start-delivering.ts'
import { newUuid } from '../../src/kit/ids.ts'
import type { QueueWorkers } from '../../src/queue/queues.ts'
import { type CutDatabase, createCutDatabase } from './cut-database.ts'
import type { DispatchRig } from './dispatch-rig.ts'

/** One call as a tracker saw it; ms of the monotonic clock. */
export type Send = {
  n: number
  conversion: string
  destination: string
  delivery: string
  revision: number
  startMs: number
  endMs: number
  verdict: 'delivered' | 'retry'
}

export type Odds = {
  /** Of a worker that dies with the answer in its hands. */
  death: number
  /** Of a worker that stands still between claim and sends, longer than its lease. */
  freeze: number
  /** Of a flush that comes late. */
  slowFlush: number
  delivered: number
}

export type OrderWorld = {
  sends: Send[]
  counts: { deaths: number; freezes: number; slowFlushes: number }
  /** Ends all mishaps: cut-off workers reach Postgres again. */
  calm(): void
  close(): Promise<void>
}

type WorldOptions = {
  rig: DispatchRig
  random(): number
  workers: number
  odds: Odds
  /** Longest call. */
  callMs: number
  /** Longer than the lease. */
  standstillMs: number
  /** The workers' own clock stands still, so no send is ever too late for its lease: the check of the deadline is off. */
  deadlineNeverComes?: boolean
}

/** Workers that die, freeze and flush late, before trackers that remember every call. */
export function startOrderWorld(options: WorldOptions): OrderWorld {
  const { rig, random, odds } = options
  const sends: Send[] = []
  const counts = { deaths: 0, freezes: 0, slowFlushes: 0 }
  const all: { db: CutDatabase; worker: { close(): Promise<void> } }[] = []
  let isCalm = false
  const happens = (chance: number): boolean => !isCalm && random() < chance

  const startOne = (): void => {
    const db = createCutDatabase(rig.db)
    const jobs: QueueWorkers[] = []
    let thaw: Promise<unknown> = Promise.resolve()
    const standStill = async (): Promise<void> => {
      if (happens(odds.freeze)) {
        counts.freezes++
        thaw = sleep(options.standstillMs)
      }
      await thaw
    }
    const die = async (): Promise<void> => {
      counts.deaths++
      db.cut()
      await Promise.all(jobs.map((one) => one.close()))
      startOne()
    }
    db.beforeResults = async () => {
      await thaw
      if (!happens(odds.slowFlush)) return
      counts.slowFlushes++
      await sleep(random() * options.standstillMs)
    }
    const outbound: Context['outbound'] = {
      close: async () => undefined,
      async send(request) {
        if (!request.mayStart()) return { kind: 'not_sent' }
        await thaw
        await sleep(random() * 2)
        if (!request.mayStart()) return { kind: 'not_sent' }
        const send = toSend(request.url, sends.length, random() < odds.delivered ? 'delivered' : 'retry')
        sends.push(send)
        await sleep(random() < 0.1 ? random() * options.callMs : random() * 15)
        send.endMs = performance.now()
        if (happens(odds.death)) await die()
        return {
          kind: 'answer',
          answer: {
            status: send.verdict === 'delivered' ? 200 : 500,
            headers: {},
            body: String(send.n),
            bodyTruncated: false,
          },
          timings: { dns: null, tcp: null, tls: null, first_byte: null, total: send.endMs - send.startMs },
          remoteIp: null,
        }
      },
    }
    const catalogue: Context['catalogue'] = {
      ...rig.ctx.catalogue,
      get version() {
        return rig.ctx.catalogue.version
      },
      async upTo(version) {
        await standStill()
        return rig.ctx.catalogue.upTo(version)
      },
    }
    const reads: CutDatabase['reads'] = {
      async query(statement) {
        await thaw
        return db.reads.query(statement)
      },
      connect: () => db.reads.connect(),
    }
    const queues: Context['queues'] = {
      ...rig.memory,
      work(run) {
        const work = rig.memory.work(run)
        jobs.push(work)
        return work
      },
    }
    const clock = options.deadlineNeverComes ? { ...rig.ctx.clock, monotonicMs: () => 0 } : rig.ctx.clock
    const ctx = { ...rig.ctx, clock, db: { ...db, reads }, catalogue, outbound, queues }
    all.push({ db, worker: startDelivering(ctx, { id: newUuid(Date.now()), random }) })
  }
  for (let n = 0; n < options.workers; n++) startOne()

  return {
    sends,
    counts,
    calm() {
      isCalm = true
      for (const { db } of all) db.restore()
    },
    async close() {
      await Promise.all(all.map(({ worker }) => worker.close()))
    },
  }
}

/** The call says who it is: /<destination>?c=<conversion>&d=<delivery>&r=<revision>. */
function toSend(url: string, n: number, verdict: Send['verdict']): Send {
  const { pathname, searchParams } = new URL(url)
  return {
    n,
    conversion: searchParams.get('c') ?? '',
    destination: pathname,
    delivery: searchParams.get('d') ?? '',
    revision: Number(searchParams.get('r')),
    startMs: performance.now(),
    endMs: Number.POSITIVE_INFINITY,
    verdict,
  }
}

const groupBy = <T>(all: readonly T[], key: (one: T) => string): T[][] => [...Map.groupBy(all, key).values()]

/** Calls with an older revision after a newer one had started. */
export const olderAfterNewer = (sends: readonly Send[]): Send[] =>
  groupBy(sends, (send) => send.conversion + send.destination).flatMap((calls) => {
    let newest = 0
    return calls.filter((call) => {
      const isOlder = call.revision < newest
      newest = Math.max(newest, call.revision)
      return isOlder
    })
  })

/** Calls that started while one for the same conversion and destination was under way. */
export const overlapping = (sends: readonly Send[]): Send[] =>
  groupBy(sends, (send) => send.conversion + send.destination).flatMap((calls) => {
    let openUntilMs = 0
    return calls.filter((call) => {
      const overlaps = call.startMs < openUntilMs
      openUntilMs = Math.max(openUntilMs, call.endMs)
      return overlaps
    })
  })

/** Second calls of a delivery whose first was committed in time with a success: nothing explains them. */
export const unexplained = (sends: readonly Send[], committedInTime: ReadonlySet<number>): Send[] =>
  groupBy(sends, (send) => send.delivery).flatMap((calls) =>
    calls.filter((_, index) => {
      const before = calls[index - 1]
      return before !== undefined && before.verdict === 'delivered' && committedInTime.has(before.n)
    }),
  )
