import type { Destination, DestinationDefinition } from '../catalogue/catalogue.ts'
import { type CataloguePage, pageClause, pageValues } from '../catalogue/list-rows.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Uuid } from '../kit/ids.ts'

type State = Destination['state']

export type DestinationRow = {
  id: Uuid
  external_id: string | null
  affiliate_id: Uuid
  state: State
  state_reason: string | null
  version: number
  definition: DestinationDefinition
  archived_at: Date | null
  created_at: Date
  updated_at: Date
}

const COLUMNS = `t.id, t.external_id, t.affiliate_id, t.state, t.state_reason, t.version, v.definition, t.archived_at,
  t.created_at, t.updated_at`
const FROM = `destinations t join destination_versions v on v.destination_id = t.id and v.version = t.version`

export async function findDestination(db: Db, id: Uuid): Promise<DestinationRow | null> {
  const { rows } = await db.query<DestinationRow>({
    text: `select ${COLUMNS} from ${FROM} where t.id = $1`,
    values: [id],
  })
  return rows[0] ?? null
}

export async function listDestinations(
  db: Db,
  page: CataloguePage & { affiliateId: Uuid | null; state: State | null },
): Promise<DestinationRow[]> {
  const { rows } = await db.query<DestinationRow>({
    text: `select ${COLUMNS} from ${FROM} ${pageClause(
      'and ($6::uuid is null or t.affiliate_id = $6) and ($7::text is null or t.state = $7)',
    )}`,
    values: [...pageValues(page), page.affiliateId, page.state],
  })
  return rows
}

/** A version is never changed: the next definition gets the next number. */
export async function insertVersion(
  tx: Tx,
  row: { destinationId: Uuid; version: number; definition: DestinationDefinition },
): Promise<void> {
  await tx.query({
    text: 'insert into destination_versions (destination_id, version, definition) values ($1, $2, $3)',
    values: [row.destinationId, row.version, row.definition],
  })
}

export async function insertDestination(
  tx: Tx,
  row: {
    id: Uuid
    externalId: string | null
    affiliateId: Uuid
    definition: DestinationDefinition
    changedIn: number
  },
): Promise<void> {
  await tx.query({
    text: `insert into destinations (id, external_id, affiliate_id, version, changed_in, rate_per_second, concurrency)
      values ($1, $2, $3, 1, $4, $5, $6)`,
    values: [row.id, row.externalId, row.affiliateId, row.changedIn, ...limitsOf(row.definition)],
  })
}

export async function updateDestination(
  tx: Tx,
  row: {
    id: Uuid
    externalId: string | null
    version: number
    definition: DestinationDefinition
    changedIn: number
  },
): Promise<void> {
  await tx.query({
    text: `update destinations set external_id = $2, version = $3, changed_in = $4, rate_per_second = $5, concurrency = $6,
        updated_at = now()
      where id = $1`,
    values: [row.id, row.externalId, row.version, row.changedIn, ...limitsOf(row.definition)],
  })
}

const limitsOf = ({ rate_limit, concurrency }: DestinationDefinition): (number | null)[] => [
  rate_limit?.per_second ?? null,
  concurrency ?? null,
]

export async function updateDestinationState(
  tx: Tx,
  row: { id: Uuid; state: State; changedIn: number },
): Promise<void> {
  await tx.query({
    text: `update destinations set state = $2, state_reason = null, changed_in = $3, updated_at = now() where id = $1`,
    values: [row.id, row.state, row.changedIn],
  })
}
