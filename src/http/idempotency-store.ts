import type { Db } from '../db/database.ts'

export type IdempotencyRow = {
  request_hash: Buffer
  http_status: number | null
  answer: unknown
}

/** True: the key is ours now. Rows over a day old, and those of requests that died without an answer, are taken over. */
export async function insertIdempotencyKey(
  db: Db,
  row: { route: string; key: string; requestHash: Buffer },
): Promise<boolean> {
  const { rowCount } = await db.query({
    text: `insert into idempotency_keys as i (route, key, request_hash) values ($1, $2, $3)
      on conflict (route, key) do update set request_hash = excluded.request_hash, http_status = null, answer = null,
        created_at = now()
      where i.created_at < now() - interval '24 hours'
        or (i.http_status is null and i.created_at < now() - interval '2 minutes')`,
    values: [row.route, row.key, row.requestHash],
  })
  return rowCount === 1
}

export async function findIdempotencyKey(
  db: Db,
  row: { route: string; key: string },
): Promise<IdempotencyRow | null> {
  const { rows } = await db.query<IdempotencyRow>({
    text: 'select request_hash, http_status, answer from idempotency_keys where route = $1 and key = $2',
    values: [row.route, row.key],
  })
  return rows[0] ?? null
}

export async function updateIdempotencyAnswer(
  db: Db,
  row: { route: string; key: string; httpStatus: number; answer: string },
): Promise<void> {
  await db.query({
    text: 'update idempotency_keys set http_status = $3, answer = $4 where route = $1 and key = $2',
    values: [row.route, row.key, row.httpStatus, row.answer],
  })
}

export async function deleteIdempotencyKey(db: Db, row: { route: string; key: string }): Promise<void> {
  await db.query({
    text: 'delete from idempotency_keys where route = $1 and key = $2 and http_status is null',
    values: [row.route, row.key],
  })
}
