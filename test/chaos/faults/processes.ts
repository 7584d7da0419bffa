import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { always, type Fault } from '../fault.ts'
import type { RelayNode } from '../relay-node.ts'
import { LEASE_MS, type Site } from '../site.ts'

const FROZEN_MS = LEASE_MS + 4000

const restart = async (nodes: readonly RelayNode[]): Promise<void> => {
  await Promise.all(nodes.map((node) => node.start()))
}

const everything = ({ apis, workers }: Site): RelayNode[] => [...apis, ...workers]

/** Both workers say that they are there. */
const untilWorkersBeat = ({ postgres, workers }: Site): Promise<void> =>
  eventually(
    async () => {
      const [beating] = await postgres.query<{ n: number }>(
        `select count(*)::int as n from workers where heartbeat_at > now() - interval '2 s'`,
      )
      if (beating?.n !== workers.length) throw new Error(`${beating?.n} workers are there`)
    },
    { timeoutMs: 90_000, everyMs: 200 },
  )

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'API killed',
    how: 'SIGKILL to one of two API processes, started again after 1-3 s',
    promise: 'what was answered 2xx is kept; the other API serves',
    losesOutcomes: false,
    canHappen: always,
    async happen(site, random) {
      const api = random.pick(site.apis)
      await api.kill()
      await wait(random.between(1000, 3000))
      await api.start()
    },
  },
  {
    name: 'worker killed',
    how: 'SIGKILL to one of two workers, started again after 0-3 s',
    promise: 'its deliveries go on after its lease; its open calls may be repeated',
    losesOutcomes: true,
    canHappen: always,
    async happen(site, random) {
      const worker = random.pick(site.workers)
      await worker.kill()
      await wait(random.between(0, 3000))
      await worker.start()
    },
  },
  {
    name: 'all workers killed',
    how: 'SIGKILL to both workers, started again after 2-5 s',
    promise: 'intake goes on; deliveries go on after the lease',
    losesOutcomes: true,
    canHappen: always,
    async happen(site, random) {
      await Promise.all(site.workers.map((worker) => worker.kill()))
      await wait(random.between(2000, 5000))
      await restart(site.workers)
    },
  },
  {
    name: 'all workers killed again and again',
    how: 'SIGKILL to both workers four times, each 3-5 s after the last start',
    promise: 'as above; rows that travelled in dying workers are suspects, and none is condemned for it',
    losesOutcomes: true,
    canHappen: always,
    async happen(site, random) {
      for (let i = 0; i < 4; i++) {
        await Promise.all(site.workers.map((worker) => worker.kill()))
        await restart(site.workers)
        await wait(random.between(3000, 5000))
      }
    },
  },
  {
    name: 'everything killed',
    how: 'SIGKILL to both APIs, both workers, PostgreSQL and Redis at once, all started again',
    promise: 'what was answered 2xx is kept and delivered',
    losesOutcomes: true,
    canHappen: always,
    async happen(site, random) {
      const { postgres, redis } = site
      await Promise.all([...everything(site).map((node) => node.kill()), postgres.kill(), redis?.kill()])
      await wait(random.between(0, 2000))
      await Promise.all([postgres.start(), redis?.start({ empty: true })])
      await restart(everything(site))
    },
  },
  {
    name: 'worker frozen past its lease',
    how: `SIGSTOP to one worker for ${FROZEN_MS / 1000} s (lease ${LEASE_MS / 1000} s), then SIGCONT`,
    promise: 'the other takes over; the frozen one sends nothing more of it, late answers are marked late',
    losesOutcomes: true,
    canHappen: always,
    async happen(site, random) {
      const worker = random.pick(site.workers)
      worker.freeze()
      await wait(FROZEN_MS + random.between(0, 3000))
      worker.thaw()
    },
  },
  {
    name: 'worker frozen within its lease',
    how: 'SIGSTOP to one worker for 2 s, then SIGCONT',
    promise: 'nothing is sent twice; an answer that came meanwhile counts, or its call timed out',
    losesOutcomes: false,
    canHappen: always,
    async happen(site, random) {
      const worker = random.pick(site.workers)
      worker.freeze()
      await wait(2000)
      worker.thaw()
    },
  },
  {
    name: 'rolling restart',
    how: 'SIGTERM to each API and worker in turn, each started again before the next is stopped',
    promise: 'no call of an advertiser fails, nothing is sent twice',
    losesOutcomes: false,
    noFailedCall: true,
    canHappen: always,
    async happen(site) {
      for (const node of everything(site)) {
        const { status } = await node.stop()
        if (status !== 0) throw new Error(`${node.name} ended with ${status}`)
        await node.start()
        await untilWorkersBeat(site)
      }
    },
  },
]
