import { sqlState } from '../db/database.ts'
import { AppError } from '../kit/app-error.ts'
import { ID_PREFIXES } from '../kit/ids.ts'

const LIKE_AN_ID = new RegExp(`^(?:${Object.values(ID_PREFIXES).join('|')})_[0-9a-z]{26}$`, 'i')

/** Throws AppError where an external id could be taken for one of our ids. */
export function assertExternalId(externalId: string | null | undefined): void {
  if (externalId == null) return
  if (LIKE_AN_ID.test(externalId) || externalId.trim() !== externalId)
    throw new AppError('invalid_field', {
      field: 'external_id',
      message: 'external_id looks like an id of the relay, or has spaces at its ends.',
      fix: "Send the network's own id.",
    })
}

const UNIQUE_VIOLATION = '23505'

/** Runs a write and says which field is at fault where an external id is in use. */
export async function withExternalIdCheck<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    const isTaken =
      sqlState(error) === UNIQUE_VIOLATION &&
      error instanceof Error &&
      'constraint' in error &&
      String(error.constraint).endsWith('_external_id_key')
    if (!isTaken) throw error
    throw new AppError('external_id_taken', { field: 'external_id', cause: error })
  }
}
