import type { Context } from '../context.ts'
import type { Readiness } from './health-schema.ts'
import { readReadiness, type StoreReadiness } from './store.ts'

const CHECK_TIMEOUT_MS = 2000

/** Ready means: a conversion sent now would be stored. A missing queue or worker is a warning, since work waits in Postgres. */
export async function checkReadiness(ctx: Pick<Context, 'db' | 'queues' | 'log'>): Promise<Readiness> {
  const store = await readStore(ctx)
  const problem = ctx.queues.problem()
  const warnings: string[] = []
  if (problem !== null)
    warnings.push(`The queue does not answer (${problem}). Conversions are accepted and wait.`)
  if (store?.workers === 0) warnings.push('No worker is alive. Conversions are accepted and wait.')
  return {
    ready: store !== null,
    missing: store === null ? ['postgres'] : [],
    postgres:
      store === null
        ? { ok: false }
        : {
            ok: true,
            synchronous_commit: store.synchronousCommit,
            synchronous_standby_names: store.standbyNames,
            survives_failover: survivesFailover(store),
          },
    queue: { backend: ctx.queues.backend, ok: problem === null, problem },
    workers: { alive: store?.workers ?? 0 },
    warnings,
  }
}

/** True where an acknowledged conversion is on a second server too. */
const survivesFailover = (store: StoreReadiness): boolean =>
  store.standbyNames !== '' && ['on', 'remote_apply'].includes(store.synchronousCommit)

async function readStore(ctx: Pick<Context, 'db' | 'log'>): Promise<StoreReadiness | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), CHECK_TIMEOUT_MS)
  try {
    // The pool that conversions go through: slow reports must not make the relay look dead.
    const store = await Promise.race([readReadiness(ctx.db.intake), late])
    if (!store?.readOnly) return store
    ctx.log.warn('Postgres only reads: it is a standby, or default_transaction_read_only is on')
    return null
  } catch (err) {
    ctx.log.warn({ err }, 'the readiness check could not read from Postgres')
    return null
  } finally {
    clearTimeout(timer)
  }
}
