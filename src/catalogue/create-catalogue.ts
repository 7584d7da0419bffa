import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import type { Clock } from '../kit/clock.ts'
import type { Catalogue } from './catalogue.ts'
import { CatalogueIndex } from './catalogue-index.ts'
import { readChanges } from './snapshot.ts'

const POLL_INTERVAL_MS = 1000

type Parts = { db: Pick<Database, 'catalogue'>; log: Logger; clock: Clock; pollIntervalMs?: number }

/**
 * Loads the whole catalogue and keeps it current: changes of this process at once (withControlWrite refreshes), those of
 * others within a second. Rejects if Postgres can not be read; later failures are logged and tried again.
 */
export async function createCatalogue(parts: Parts): Promise<Catalogue & { close(): void }> {
  const { db, log, clock, pollIntervalMs = POLL_INTERVAL_MS } = parts
  const index = new CatalogueIndex()
  let version = 0
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null

  const load = async (): Promise<void> => {
    const changes = await readChanges(db.catalogue, version)
    if (changes === null || changes.version <= version) return
    index.apply(changes)
    version = changes.version
  }

  const start = (): Promise<void> => {
    const started = load().finally(() => {
      if (running === started) running = null
    })
    running = started
    return started
  }

  // A load that already runs may have taken its snapshot before the caller's write; so callers share the one after it.
  const refresh = (): Promise<void> => {
    if (running === null) return start()
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null
        return start()
      })
    return next
  }

  await refresh()
  const timer = setInterval(() => {
    if (running !== null) return
    refresh().catch((err) => log.warn({ err }, 'the catalogue could not be read'))
  }, pollIntervalMs)
  timer.unref()

  return {
    get version() {
      return version
    },
    async upTo(wanted) {
      if (version >= wanted) return
      await running?.catch(() => undefined)
      if (version < wanted) await refresh()
    },
    refresh,
    advertiser: index.advertiser,
    advertiserByToken: (tokenHash) => index.advertiserByToken(tokenHash, clock.nowMs()),
    offer: index.offer,
    affiliate: index.affiliate,
    destination: index.destination,
    openOffers: index.openOffers,
    presets: index.presets,
    destinationsOf: index.destinationsOf,
    resolve: index.resolve,
    partnerId: index.partnerId,
    close: () => clearInterval(timer),
  }
}
