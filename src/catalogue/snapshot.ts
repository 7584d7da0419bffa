import type { Preset } from '../../config/presets/preset.ts'
import { type DbPool, type Tx, withTx } from '../db/database.ts'
import type { AdvertiserRow, AffiliateRow, DestinationRow, OfferRow } from './rows.ts'
import {
  findCatalogueVersion,
  listAdvertisersChangedAfter,
  listAffiliatesChangedAfter,
  listDestinationsChangedAfter,
  listOffersChangedAfter,
  listPresetsChangedAfter,
} from './store.ts'

/** Everything that changed after one version, up to another. */
export type CatalogueChanges = {
  version: number
  advertisers: AdvertiserRow[]
  offers: OfferRow[]
  affiliates: AffiliateRow[]
  destinations: DestinationRow[]
  presets?: Preset[]
}

/** Null where nothing is newer. One snapshot, so the rows are those of exactly the version that is returned. */
export async function readChanges(pool: DbPool, after: number): Promise<CatalogueChanges | null> {
  const read = async (tx: Tx): Promise<CatalogueChanges | null> => {
    const version = await findCatalogueVersion(tx)
    if (version <= after) return null
    return {
      version,
      advertisers: await listAdvertisersChangedAfter(tx, after),
      offers: await listOffersChangedAfter(tx, after),
      affiliates: await listAffiliatesChangedAfter(tx, after),
      destinations: await listDestinationsChangedAfter(tx, after),
      presets: await listPresetsChangedAfter(tx, after),
    }
  }
  return withTx(pool, read, 'begin isolation level repeatable read read only')
}
