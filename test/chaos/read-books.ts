import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { encodeId } from '../../src/kit/ids.ts'
import type { LoggedAttempt, LoggedDelivery, Page } from './books.ts'
import type { RequestRecord } from './receivers-contract.ts'
import type { Site } from './site.ts'
import { numberOf, storyOf, transactionIdOf } from './story.ts'

const STEP = 5000

/** Every request that the trackers recorded, by the number of its conversion. */
export async function readRequests(file: string): Promise<Map<number, RequestRecord[]>> {
  const requests = new Map<number, RequestRecord[]>()
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const request = JSON.parse(line) as RequestRecord
    const n = numberOf(request.transaction)
    const found = requests.get(n)
    if (found === undefined) requests.set(n, [request])
    else found.push(request)
  }
  return requests
}

type Row = {
  transaction_id: string
  status: string
  payout: string
  id: string | null
  url: string
  revision: number
  delivery_status: string
  delivery_payout: string
  state: string
  reason: string | null
  attempts: { started: number; verdict: string; error: string | null; late: boolean }[] | null
}

const READ = `select c.transaction_id, c.status, c.payout::text as payout, d.id, v.definition->>'url' as url, d.revision,
    d.status as delivery_status, d.payout::text as delivery_payout, d.state, d.reason,
    (select json_agg(json_build_object('started', extract(epoch from a.started_at) * 1000, 'verdict', a.verdict,
      'error', a.error, 'late', a.late)) from attempts a where a.delivery_id = d.id) as attempts
  from conversions c
  left join deliveries d on d.conversion_id = c.id
  left join destination_versions v on v.destination_id = d.destination_id and v.version = 1
  where c.transaction_id = any($1)`

/** Every conversion that was told, a few thousand at a time. */
export async function* readPages(
  site: Site,
  options: { seed: number; told: number; requests: ReadonlyMap<number, RequestRecord[]> },
): AsyncGenerator<Page> {
  for (let from = 0; from < options.told; from += STEP) {
    const numbers = Array.from({ length: Math.min(STEP, options.told - from) }, (_, i) => from + i)
    const rows = await site.postgres.query<Row>(READ, [numbers.map(transactionIdOf)])
    const found = Map.groupBy(rows, (row) => row.transaction_id)
    for (const n of numbers) {
      const ofOne = found.get(transactionIdOf(n)) ?? []
      yield {
        story: storyOf(options.seed, n),
        stored: ofOne[0] === undefined ? null : { status: ofOne[0].status, payout: ofOne[0].payout },
        deliveries: ofOne.flatMap((row) => (row.id === null ? [] : [toDelivery(site, row, row.id)])),
        requests: options.requests.get(n) ?? [],
      }
    }
  }
}

const toDelivery = (site: Site, row: Row, id: string): LoggedDelivery => ({
  id: encodeId('delivery', id),
  tracker: site.trackerUrls.findIndex((url) => row.url.startsWith(`${url}/`)),
  revision: row.revision,
  status: row.delivery_status,
  payout: row.delivery_payout,
  state: row.state,
  reason: row.reason,
  attempts: (row.attempts ?? []).map(
    ({ started, ...attempt }): LoggedAttempt => ({ startedMs: started, ...attempt }),
  ),
})
