import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Context } from '../context.ts'
import type { StoredCall } from '../intake/inbound-store.ts'
import { decodeId, encodeId, ID_PREFIXES, type Noun, type Uuid, uuidTimeMs } from '../kit/ids.ts'
import { confirmationOf } from './confirmation.ts'
import { type ConversionRow, listConversionsByIds } from './conversion-store.ts'
import { type DeliveryRow, listDeliveriesOf } from './read-store.ts'
import type { TracedDelivery, TraceFacts } from './trace-facts.ts'
import {
  type ClickRow,
  findConversionOfDelivery,
  findDeliveryOfReplay,
  type LastCallRow,
  listCalls,
  listClicks,
  listConversionsNamed,
  listConversionsOf,
  listLastAnswers,
} from './trace-store.ts'

type Ctx = Pick<Context, 'db' | 'catalogue'>

/** Everything stored that one id leads to. */
export type Trace = {
  facts: TraceFacts
  calls: StoredCall[]
  clicks: ClickRow[]
  conversions: ConversionRow[]
  deliveries: DeliveryRow[]
}

/** What a text leads to first. */
type Start = { conversionIds: Uuid[]; deliveryId: Uuid | null; callId: Uuid | null; clickUuid: Uuid | null }

/** Finds all that belongs to an id of any kind; an id that nothing knows gives empty lists. */
export async function traceId(ctx: Ctx, text: string): Promise<Trace> {
  const db = ctx.db.reads
  const start = await findStart(ctx, text)
  const namedCall =
    start.callId === null ? [] : await listCalls(db, { conversionIds: [], texts: [], id: start.callId })
  const fromCall = namedCall.flatMap((call) => (call.conversionId === null ? [] : [call.conversionId]))
  const conversions = await listConversionsByIds(db, [...start.conversionIds, ...fromCall])
  const conversionIds = conversions.map((one) => one.id)
  const texts = textIds(text, conversions, namedCall)
  const clickIds = texts.filter(
    (one) => !conversions.some((row) => row.transaction_id === one && one !== text),
  )
  const calls = await listCalls(db, { conversionIds, texts, id: start.callId })
  const clicks = await listClicks(db, { clickIds, affiliateClickId: text, id: start.clickUuid })
  // A test fire may have been made of no stored conversion; its delivery names one all the same.
  const deliveries = await listDeliveriesOf(db, [...new Set([...conversionIds, ...start.conversionIds])])
  const answers = await listLastAnswers(
    db,
    deliveries.map((one) => one.id),
  )
  const found = { calls, clicks, conversions, deliveries }
  return { ...found, facts: toFacts(ctx.catalogue, { text, start, answers, ...found }) }
}

/** The id asked about and the names that the found rows go by; calls that were refused are found by these. */
const textIds = (
  text: string,
  conversions: readonly ConversionRow[],
  calls: readonly StoredCall[],
): string[] => [
  ...new Set([
    text,
    ...conversions.flatMap((one) => [one.click_id, one.transaction_id]).filter((id) => id !== null),
    ...calls.flatMap((one) => [one.clickId, one.transactionId]).filter((id) => id !== null),
  ]),
]

const EMPTY: Start = { conversionIds: [], deliveryId: null, callId: null, clickUuid: null }

async function findStart(ctx: Ctx, text: string): Promise<Start> {
  const db = ctx.db.reads
  const id = decodeAny(text)
  switch (id?.noun) {
    case 'delivery':
      return startAtDelivery(ctx, id.uuid)
    case 'replay': {
      const deliveryId = await findDeliveryOfReplay(db, id.uuid)
      return deliveryId === null ? EMPTY : startAtDelivery(ctx, deliveryId)
    }
    case 'conversion':
      return { ...EMPTY, conversionIds: [id.uuid] }
    case 'inboundCall':
      return { ...EMPTY, callId: id.uuid }
    case 'destination':
    case 'offer':
    case 'affiliate':
    case 'advertiser':
      return { ...EMPTY, conversionIds: await listConversionsOf(db, id.noun, id.uuid) }
    case 'click':
      return { ...EMPTY, clickUuid: id.uuid, conversionIds: await listConversionsNamed(db, text) }
    default:
      return { ...EMPTY, conversionIds: await listConversionsNamed(db, text) }
  }
}

async function startAtDelivery(ctx: Ctx, deliveryId: Uuid): Promise<Start> {
  const conversionId = await findConversionOfDelivery(ctx.db.reads, deliveryId)
  return { ...EMPTY, deliveryId, conversionIds: conversionId === null ? [] : [conversionId] }
}

function decodeAny(text: string): { noun: Noun; uuid: Uuid } | null {
  for (const noun of Object.keys(ID_PREFIXES) as Noun[]) {
    const uuid = decodeId(noun, text)
    if (uuid !== null) return { noun, uuid }
  }
  return null
}

type Found = Omit<Trace, 'facts'> & { text: string; start: Start; answers: readonly LastCallRow[] }

function toFacts(catalogue: Catalogue, found: Found): TraceFacts {
  const { start } = found
  const answers = new Map(found.answers.map((row) => [row.delivery_id, row]))
  return {
    id: found.text,
    named: {
      callId: start.callId && encodeId('inboundCall', start.callId),
      deliveryId: start.deliveryId && encodeId('delivery', start.deliveryId),
    },
    clicks: found.clicks.map((row) => ({ clickId: row.click_id, clickedAt: row.clicked_at })),
    calls: found.calls.map((call) => ({
      ...call,
      id: encodeId('inboundCall', call.id),
      conversionId: call.conversionId && encodeId('conversion', call.conversionId),
    })),
    conversions: found.conversions.map((row) => ({
      id: encodeId('conversion', row.id),
      event: row.event,
      status: row.status,
      clickId: row.click_id,
      fanout: row.fanout,
      note: row.note,
      createdAt: row.created_at,
    })),
    deliveries: found.deliveries
      .filter((row) => !row.test || row.id === start.deliveryId)
      .map((row) => ({
        ...toTracedDelivery(row, trackerName(catalogue, row.destination_id), answers.get(row.id)),
        unconfirmed: confirmationOf(catalogue, row.destination_id) === 'none',
      })),
  }
}

const toTracedDelivery = (
  row: DeliveryRow,
  tracker: string,
  last: LastCallRow | undefined,
): TracedDelivery => ({
  id: encodeId('delivery', row.id),
  conversionId: encodeId('conversion', row.conversion_id),
  destinationId: encodeId('destination', row.destination_id),
  tracker,
  revision: row.revision,
  event: row.event ?? 'conversion',
  status: row.status,
  state: row.state,
  reason: row.reason,
  affiliateClickId: row.affiliate_click_id,
  attemptsCount: row.attempts_count,
  firstAttemptAt: last?.first_attempt_at ?? null,
  lastAttemptAt: row.last_attempt_at,
  lastHttpStatus: row.last_http_status,
  lastError: row.last_error,
  lastAnswer: last?.answer ?? null,
  deliveredAt: row.delivered_at,
  dueAt: row.due_at,
  createdAt: new Date(uuidTimeMs(row.id)),
})

/** Name and host, as support knows a tracker; the host of a template is what stands before its path. */
function trackerName(catalogue: Catalogue, destinationId: Uuid): string {
  const definition = catalogue.destination(destinationId)?.definition
  const host = /^[a-z]+:\/\/([^/?#]+)/i.exec(definition?.url ?? '')?.[1]
  const name = definition?.name ?? null
  if (name === null)
    return host === undefined ? encodeId('destination', destinationId) : `the tracker ${host}`
  return host === undefined ? name : `${name} (${host})`
}
