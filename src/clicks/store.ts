import type { Db } from '../db/database.ts'
import { lowestUuid, type Uuid } from '../kit/ids.ts'
import type { Click } from './click.ts'

type ClickRow = {
  id: Uuid
  click_id: string
  affiliate_id: Uuid
  offer_id: Uuid
  affiliate_click_id: string | null
  subs: (string | null)[]
  params: Record<string, string>
  ip: string | null
  user_agent: string | null
  country: string | null
  clicked_at: Date
  created_at: Date
}

const COLUMNS = `c.id, c.click_id, c.affiliate_id, c.offer_id, c.affiliate_click_id, c.subs, c.params, c.ip,
  c.user_agent, c.country, c.clicked_at, c.created_at`

const toClick = (row: ClickRow): Click => ({
  id: row.id,
  clickId: row.click_id,
  affiliateId: row.affiliate_id,
  offerId: row.offer_id,
  affiliateClickId: row.affiliate_click_id,
  subs: row.subs,
  params: row.params,
  ip: row.ip,
  userAgent: row.user_agent,
  country: row.country,
  clickedAt: row.clicked_at,
  createdAt: row.created_at,
})

/** Conversions that one click wakes by itself; a click id that is the same for all (`test`) may have any number. */
const WOKEN_MAX = 200

/**
 * Inserts those whose click id is free and wakes the conversions that waited for them, of each at most 200: settling those
 * wakes the next. Returns the ids of the new rows.
 * Keys are taken in order, so two lists that overlap can not deadlock; a key that another transaction holds is waited for.
 * Of a click id that comes twice the first one is stored.
 */
export async function insertClicks(db: Db, clicks: readonly Click[]): Promise<Set<Uuid>> {
  const { rows } = await db.query<{ id: Uuid }>({
    name: 'insert_clicks',
    text: `with i as (
        select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::jsonb[], $7::jsonb[],
            $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[]) with ordinality
          as i(id, click_id, affiliate_id, offer_id, affiliate_click_id, subs, params, ip, user_agent, country,
            clicked_at, created_at, place)
      ), k as (
        insert into click_keys (click_id, id) select i.click_id, i.id from i order by i.click_id, i.place
        on conflict do nothing returning click_id, id
      ), c as (
        insert into clicks (id, click_id, affiliate_id, offer_id, affiliate_click_id, subs, params, ip, user_agent,
          country, clicked_at, created_at)
        select i.id, i.click_id, i.affiliate_id, i.offer_id, i.affiliate_click_id,
          array(select jsonb_array_elements_text(i.subs)), i.params, i.ip, i.user_agent, i.country, i.clicked_at,
          i.created_at
        from i join k on k.id = i.id
      ), u as (
        update unsettled set due_at = now() where conversion_id = any(array(
          select s.conversion_id from unsettled s where s.conversion_id = any(array(
            select w.conversion_id from k cross join lateral (
              select w.conversion_id from unsettled w where w.click_id = k.click_id limit ${WOKEN_MAX}) w))
          order by s.conversion_id for update))
      )
      select k.id from k`,
    values: [
      clicks.map((click) => click.id),
      clicks.map((click) => click.clickId),
      clicks.map((click) => click.affiliateId),
      clicks.map((click) => click.offerId),
      clicks.map((click) => click.affiliateClickId),
      clicks.map((click) => JSON.stringify(click.subs)),
      clicks.map((click) => JSON.stringify(click.params)),
      clicks.map((click) => click.ip),
      clicks.map((click) => click.userAgent),
      clicks.map((click) => click.country),
      clicks.map((click) => click.clickedAt),
      clicks.map((click) => click.createdAt),
    ],
  })
  return new Set(rows.map((row) => row.id))
}

/** Stored clicks by the network's click id; each looked up in the one partition that holds it. */
export async function findClicks(db: Db, clickIds: readonly string[]): Promise<Map<string, Click>> {
  const { rows } = await db.query<ClickRow>({
    text: `select ${COLUMNS} from unnest($1::text[]) i(click_id)
      join click_keys k on k.click_id = i.click_id join clicks c on c.id = k.id`,
    values: [clickIds],
  })
  return new Map(rows.map((row) => [row.click_id, toClick(row)]))
}

export async function findClickById(db: Db, id: Uuid): Promise<Click | null> {
  const { rows } = await db.query<ClickRow>({
    text: `select ${COLUMNS} from clicks c where c.id = $1`,
    values: [id],
  })
  return rows[0] === undefined ? null : toClick(rows[0])
}

export type ClickFilter = {
  limit: number
  before: Uuid | null
  from: Date | null
  to: Date | null
  clickId: string | null
  affiliateClickId: string | null
  affiliateId: Uuid | null
  offerId: Uuid | null
}

/** Newest first, limit + 1 rows. The statement has no name, so it is planned for the filters that are set. */
export async function listClicks(db: Db, filter: ClickFilter): Promise<Click[]> {
  const { rows } = await db.query<ClickRow>({
    text: `select ${COLUMNS} from clicks c
      where ($1::uuid is null or c.id < $1) and ($2::uuid is null or c.id >= $2) and ($3::uuid is null or c.id < $3)
        and ($4::text is null or c.id = (select k.id from click_keys k where k.click_id = $4))
        and ($5::text is null or c.affiliate_click_id = $5)
        and ($6::uuid is null or c.affiliate_id = $6) and ($7::uuid is null or c.offer_id = $7)
      order by c.id desc limit $8`,
    values: [
      filter.before,
      filter.from && lowestUuid(filter.from.getTime()),
      filter.to && lowestUuid(filter.to.getTime()),
      filter.clickId,
      filter.affiliateClickId,
      filter.affiliateId,
      filter.offerId,
      filter.limit + 1,
    ],
  })
  return rows.map(toClick)
}
