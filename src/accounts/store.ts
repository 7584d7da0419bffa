import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'
import type { Role } from './principal.ts'

export type ApiKeyRow = {
  id: Uuid
  name: string
  role: Role
  shown: string
  created_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
}

const COLUMNS = 'id, name, role, shown, created_at, last_used_at, revoked_at'

export async function insertApiKey(
  db: Db,
  key: { id: Uuid; name: string; role: Role; keyHash: Buffer; shown: string },
): Promise<ApiKeyRow> {
  const { rows } = await db.query<ApiKeyRow>({
    text: `insert into api_keys (id, name, role, key_hash, shown) values ($1, $2, $3, $4, $5) returning ${COLUMNS}`,
    values: [key.id, key.name, key.role, key.keyHash, key.shown],
  })
  const [row] = rows
  if (row === undefined) throw new Error('insert returned no row')
  return row
}

/** Of two processes that start together the second waits here, and then sees the first one's key. */
export async function lockFirstApiKey(tx: Tx): Promise<void> {
  await tx.query({ text: "select pg_advisory_xact_lock(hashtext('api_keys.first'))" })
}

export async function hasApiKeys(db: Db): Promise<boolean> {
  const { rowCount } = await db.query({ text: 'select from api_keys limit 1' })
  return rowCount === 1
}

/** Null: there is no such key, or it was revoked. */
export async function findApiKeyByHash(db: Db, keyHash: Buffer): Promise<ApiKeyRow | null> {
  const { rows } = await db.query<ApiKeyRow>({
    name: 'api-key-by-hash',
    text: `select ${COLUMNS} from api_keys where key_hash = $1 and revoked_at is null`,
    values: [keyHash],
  })
  return rows[0] ?? null
}

export async function findApiKey(db: Db, id: Uuid): Promise<ApiKeyRow | null> {
  const { rows } = await db.query<ApiKeyRow>({
    text: `select ${COLUMNS} from api_keys where id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function listApiKeys(
  db: Db,
  page: { limit: number; before: Uuid | null; from: Date | null; to: Date | null; revoked: boolean },
): Promise<ApiKeyRow[]> {
  const { rows } = await db.query<ApiKeyRow>({
    text: `select ${COLUMNS} from api_keys
      where ($1::uuid is null or id < $1) and ($2::timestamptz is null or created_at >= $2)
        and ($3::timestamptz is null or created_at < $3) and ($4 or revoked_at is null)
      order by id desc limit $5`,
    values: [page.before, page.from, page.to, page.revoked, page.limit + 1],
  })
  return rows
}

/** Keeps the first time. Null: there is no such key. */
export async function updateApiKeyRevoked(db: Db, id: Uuid): Promise<ApiKeyRow | null> {
  const { rows } = await db.query<ApiKeyRow>({
    text: `update api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1 returning ${COLUMNS}`,
    values: [id],
  })
  return rows[0] ?? null
}

/** At most one write a minute and key. */
export async function updateApiKeyUsed(db: Db, id: Uuid): Promise<void> {
  await db.query({
    text: `update api_keys set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    values: [id],
  })
}
