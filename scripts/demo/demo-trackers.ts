import { startReceiver } from '../../test/support/receiver.ts'
import { startBinom } from '../../test/support/trackers/binom.ts'
import { startKeitaro } from '../../test/support/trackers/keitaro.ts'
import { startRedtrack } from '../../test/support/trackers/redtrack.ts'
import type { Disturbance, Tracker } from '../../test/support/trackers/tracker.ts'
import { startVoluum } from '../../test/support/trackers/voluum.ts'

/** An affiliate of the demo with its tracker and the postback URL that it gave to the network. */
export type DemoAffiliate = {
  /** Its external_id, and that of its destination. */
  id: string
  name: string
  trackerName: string
  condition: string
  tracker: Tracker
  /** Nothing answers at the tracker's address. */
  isDead: boolean
  preset: string
  url: string
  /** What the URL should have been, where that is something else. */
  rightUrl?: string
  statuses: readonly string[]
}

const ALL = ['pending', 'approved', 'rejected']
const KEITARO_QUERY =
  'subid={affiliate_click_id}&status={status|map:approved=sale,pending=lead}&payout={payout}&currency={currency}&tid={transaction_id}'
const BINOM_QUERY =
  'cnv_id={affiliate_click_id}&payout={payout_due}&cnv_status={status}&cnv_currency={currency}'
const VOLUUM_QUERY = 'cid={affiliate_click_id}&payout={payout}&txid={transaction_id}&currency={currency}'
const REDTRACK_QUERY =
  'clickid={affiliate_click_id}&sum={payout}&type=Sale&status={status|map:rejected=declined}&currency={currency}&rdtk_event_id={transaction_id}'

/** Emulators on free ports: two healthy, one flaky, one dead, one called by a wrong URL. */
export async function startDemoTrackers(): Promise<{ affiliates: DemoAffiliate[]; close(): Promise<void> }> {
  const voluum = await startVoluum()
  const keitaro = await startKeitaro()
  const binom = await startBinom({ version: 2 })
  binom.disturb(flaky)
  const redtrack = await startRedtrack({ types: ['Sale'], duplicates: 'edit' })
  const otherKeitaro = await startKeitaro({ key: 'f00ba4' })
  const nowhere = await findDeadAddress()
  const trackers = [voluum, keitaro, binom, redtrack, otherKeitaro]
  // What arrived is not looked at here; a demo may run for days.
  const forgetting = setInterval(() => {
    for (const { receiver } of trackers) receiver.received.length = 0
  }, 60_000)
  return {
    affiliates: [
      {
        id: 'demo-anna',
        name: 'Anna',
        trackerName: 'Voluum',
        condition: 'healthy; takes no conversion back by postback',
        tracker: voluum,
        isDead: false,
        preset: 'voluum',
        url: `${voluum.url}/postback?${VOLUUM_QUERY}`,
        statuses: ['approved', 'rejected'],
      },
      {
        id: 'demo-boris',
        name: 'Boris',
        trackerName: 'Keitaro',
        condition: 'healthy; hears of every status',
        tracker: keitaro,
        isDead: false,
        preset: 'keitaro',
        url: `${keitaro.url}/${keitaro.key}/postback?${KEITARO_QUERY}`,
        statuses: ALL,
      },
      {
        id: 'demo-chen',
        name: 'Chen',
        trackerName: 'Binom',
        condition: 'flaky: errors, or no answer at all',
        tracker: binom,
        isDead: false,
        preset: 'binom_v2',
        url: `${binom.url}/click?${BINOM_QUERY}`,
        statuses: ALL,
      },
      {
        id: 'demo-dana',
        name: 'Dana',
        trackerName: 'RedTrack',
        condition: 'dead: nothing listens there',
        tracker: redtrack,
        isDead: true,
        preset: 'redtrack',
        url: `${nowhere}/postback?${REDTRACK_QUERY}`,
        rightUrl: `${redtrack.url}/postback?${REDTRACK_QUERY}`,
        statuses: ['approved'],
      },
      {
        id: 'demo-emil',
        name: 'Emil',
        trackerName: 'Keitaro',
        condition: 'alive, but the key in the URL is wrong',
        tracker: otherKeitaro,
        isDead: false,
        preset: 'keitaro',
        url: `${otherKeitaro.url}/wr0ngk3y/postback?${KEITARO_QUERY}`,
        rightUrl: `${otherKeitaro.url}/${otherKeitaro.key}/postback?${KEITARO_QUERY}`,
        statuses: ALL,
      },
    ],
    async close() {
      clearInterval(forgetting)
      await Promise.all(trackers.map((tracker) => tracker.close()))
    },
  }
}

const ERROR_SHARE = 0.25
const BUSY_SHARE = 0.32
const SILENT_SHARE = 0.37

const flaky: Disturbance = () => {
  const luck = Math.random()
  if (luck < ERROR_SHARE) return { status: 500, body: 'Internal Server Error' }
  if (luck < BUSY_SHARE) return { status: 503, headers: { 'retry-after': '3' }, body: 'busy' }
  return luck < SILENT_SHARE ? 'hang' : null
}

/** An address where something listened a moment ago. */
async function findDeadAddress(): Promise<string> {
  const receiver = await startReceiver()
  await receiver.close()
  return receiver.url
}
