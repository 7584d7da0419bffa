// What one delivery costs in databases of different size: flush, claim and result through the relay's own code.
// Run: node bench/growth.ts <seeded folder> [<seeded folder> ...] [--index-cost]
import { type Cost, openWay } from './way.ts'

const ROUNDS = 3
const CONVERSIONS = 5000
const LIST_INDEXES =
  'deliveries_state deliveries_destination_state deliveries_destination_delivered deliveries_reason deliveries_http_status deliveries_error conversions_advertiser conversions_affiliate conversions_offer conversions_status inbound_calls_result inbound_calls_code clicks_affiliate clicks_offer'.split(
    ' ',
  )

const folders = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const table: Record<string, Record<string, number | string>> = {}
for (const folder of folders) {
  if (process.argv.includes('--index-cost')) await compareIndexes(folder)
  else await measureGrowth(folder)
}
console.table(table)

async function measureGrowth(folder: string): Promise<void> {
  const way = await openWay(folder)
  try {
    const { rows } = await way.db.reads.query<{ log: string; destinations: string; held: string }>({
      text: `select (select count(*) from deliveries) as log, (select count(*) from destinations) as destinations,
        (select count(*) from due) as held`,
    })
    await way.measure(CONVERSIONS / 2)
    const name = `${rows[0]?.log} deliveries, ${rows[0]?.destinations} destinations, ${rows[0]?.held} waiting`
    table[name] = shown(await best(() => way.measure(CONVERSIONS)))
  } finally {
    await way.close()
  }
}

/** With and without the indexes of the lists, in turns, so that both see the same machine. */
async function compareIndexes(folder: string): Promise<void> {
  const way = await openWay(folder)
  const ask = <Row extends Record<string, unknown>>(text: string) => way.db.results.query<Row>({ text })
  const { rows } = await ask<{ name: string; text: string }>(
    `select indexrelid::regclass::text as name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as text
      from pg_index where indexrelid::regclass::text = any('{${LIST_INDEXES.join(',')}}')`,
  )
  const costs: Record<'with' | 'without' | 'with, without state', Cost[]> = {
    with: [],
    'with, without state': [],
    without: [],
  }
  const isOfState = (text: string): boolean => /deliveries/.test(text) && /state|last_http_status/.test(text)
  try {
    await way.measure(CONVERSIONS)
    for (let round = 0; round < ROUNDS; round++)
      for (const kind of Object.keys(costs) as (keyof typeof costs)[]) {
        for (const { name } of rows) await ask(`drop index if exists ${name}`)
        for (const { text } of rows)
          if (kind === 'with' || (kind !== 'without' && !isOfState(text))) await ask(text)
        await ask('select pg_stat_reset()')
        costs[kind].push(await way.measure(CONVERSIONS))
        await new Promise((resolve) => setTimeout(resolve, 1200))
        const hot = await ask<{ share: number }>(
          `select sum(n_tup_hot_upd) / greatest(1, sum(n_tup_upd)) as share from pg_stat_user_tables where relname like 'deliveries%'`,
        )
        table[`${kind}, round ${round + 1}`] = {
          ...shown(costs[kind].at(-1) as Cost),
          'HOT updates': Number(hot.rows[0]?.share).toFixed(2),
        }
      }
    for (const { name } of rows) await ask(`drop index if exists ${name}`)
    for (const { text } of rows) await ask(text)
  } finally {
    await way.close()
  }
}

/** The cheapest of some rounds by processor time: what disturbs only adds. */
async function best(run: () => Promise<Cost>): Promise<Cost> {
  const costs: Cost[] = []
  for (let round = 0; round < ROUNDS; round++) costs.push(await run())
  const sum = (cost: Cost): number => cost.nodeCpu + cost.postgresCpu
  return costs.reduce((a, b) => (sum(a) <= sum(b) ? a : b))
}

function shown(cost: Cost): Record<string, number> {
  return {
    'CPU us': Math.round(cost.nodeCpu + cost.postgresCpu),
    'Postgres CPU us': Math.round(cost.postgresCpu),
    'wall us': Math.round(cost.flush + cost.claim + cost.result),
    'flush us': Math.round(cost.flush),
    'claim us': Math.round(cost.claim),
    'result us': Math.round(cost.result),
  }
}
