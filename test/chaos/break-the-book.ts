import { encodeId } from '../../src/kit/ids.ts'
import { runRelayCommand } from '../support/relay-process.ts'
import { ADMIN_KEY, type Site } from './site.ts'

/** Deletes one delivery by hand and asks the command line: it must name the conversion. Returns what is wrong with that. */
export async function breakTheBook(site: Site): Promise<string[]> {
  const ledger = async (): Promise<string> => {
    const env = { RELAY_URL: site.apis[0]?.url ?? '', ADMIN_KEY }
    return (await runRelayCommand({ env, args: ['ledger', '--explain'] })).output
  }
  const before = await ledger()
  if (!before.includes('Everything is accounted for.')) return [`ledger --explain: ${before}`]
  const [gone] = await site.postgres.query<{ conversion_id: string }>(
    'delete from deliveries where id = (select id from deliveries order by id desc limit 1) returning conversion_id',
  )
  const after = await ledger()
  const isNamed = gone !== undefined && after.includes(encodeId('conversion', gone.conversion_id))
  return isNamed && after.includes('1 UNACCOUNTED')
    ? []
    : [`a delivery was deleted by hand, and ledger --explain did not name it: ${after}`]
}
