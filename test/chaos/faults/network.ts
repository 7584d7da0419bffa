import { setTimeout as wait } from 'node:timers/promises'
import { always, type Fault, hasRedis } from '../fault.ts'
import { LEASE_MS } from '../site.ts'

const PAST_LEASE_MS = LEASE_MS + 4000

export const NETWORK_FAULTS: readonly Fault[] = [
  {
    name: 'worker cut from PostgreSQL',
    how: `every connection of one worker to it carries nothing for ${PAST_LEASE_MS / 1000} s, then is reset`,
    promise: 'the other takes over; late answers are marked late',
    losesOutcomes: true,
    canHappen: always,
    async happen(site, random) {
      const worker = random.pick(site.workers)
      await site.wire(worker, 'postgres', 'silent')
      await wait(PAST_LEASE_MS)
      await site.wire(worker, 'postgres', 'open')
    },
  },
  {
    name: 'API cut from PostgreSQL',
    how: 'every connection of one API to it carries nothing for 7 s, then is reset',
    promise: 'that API answers 503 with Retry-After; nothing that was answered 2xx is lost',
    losesOutcomes: false,
    canHappen: always,
    async happen(site, random) {
      const api = random.pick(site.apis)
      await site.wire(api, 'postgres', 'silent')
      await wait(7000)
      await site.wire(api, 'postgres', 'open')
    },
  },
  {
    name: 'all connections to PostgreSQL reset',
    how: 'RST on every connection of every process, three times in 1 s',
    promise: 'a commit without an answer is looked up, never done twice',
    losesOutcomes: false,
    canHappen: always,
    async happen(site) {
      for (let i = 0; i < 3; i++) {
        for (const node of [...site.apis, ...site.workers]) await site.wire(node, 'postgres', 'open')
        await wait(300)
      }
    },
  },
  {
    name: 'worker cut from Redis',
    how: 'every connection of one worker to it carries nothing for 10 s, then is reset',
    promise: 'the other delivers; nothing is sent twice',
    losesOutcomes: false,
    canHappen: hasRedis,
    async happen(site, random) {
      const worker = random.pick(site.workers)
      await site.wire(worker, 'redis', 'silent')
      await wait(10_000)
      await site.wire(worker, 'redis', 'open')
    },
  },
  {
    name: 'API cut from Redis',
    how: 'connections of both APIs to it are refused for 8 s',
    promise: 'intake goes on; deliveries travel by way of the sweeper',
    losesOutcomes: false,
    canHappen: hasRedis,
    async happen(site) {
      for (const api of site.apis) await site.wire(api, 'redis', 'refusing')
      await wait(8000)
      for (const api of site.apis) await site.wire(api, 'redis', 'open')
    },
  },
  {
    name: 'worker without a network',
    how: `the veth pair of one worker's network namespace is down for ${PAST_LEASE_MS / 1000} s`,
    promise: 'the other takes over; calls on the wire may be repeated',
    losesOutcomes: true,
    canHappen: ({ namespace }) => namespace !== null,
    async happen({ namespace }) {
      await namespace?.unplug()
      await wait(PAST_LEASE_MS)
      await namespace?.plug()
    },
  },
]
