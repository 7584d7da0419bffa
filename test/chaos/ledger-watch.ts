import { repeat } from '../../src/dispatch/repeat.ts'
import { ADMIN_KEY, type Site } from './site.ts'

/** Asks the ledger of the last minutes again and again while everything breaks. */
export type LedgerWatch = {
  reads(): number
  /** Answers that were not zero, with what they named. */
  unaccounted: string[]
  /** Most memory that each process was seen with, MB. */
  rssMb: Map<string, number>
  close(): Promise<void>
}

const EVERY_MS = 2000
const SPAN_MS = 180_000

export function watchLedger(site: Site): LedgerWatch {
  const unaccounted: string[] = []
  const rssMb = new Map<string, number>()
  let reads = 0
  const read = async (): Promise<void> => {
    for (const node of [...site.apis, ...site.workers])
      rssMb.set(node.name, Math.max(rssMb.get(node.name) ?? 0, Math.round(node.rssMb())))
    const from = new Date(Date.now() - SPAN_MS).toISOString()
    for (const { url } of site.apis) {
      const response = await fetch(`${url}/v1/ledger?explain=true&from=${from}`, {
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
        signal: AbortSignal.timeout(10_000),
      }).catch(() => null)
      if (response === null || !response.ok) continue
      const ledger = (await response.json()) as { unaccounted: number; explain: unknown[] }
      reads++
      if (ledger.unaccounted !== 0)
        unaccounted.push(
          `${new Date().toISOString()} ${ledger.unaccounted}: ${JSON.stringify(ledger.explain.slice(0, 3))}`,
        )
      return
    }
  }
  const loop = repeat(EVERY_MS, read, () => undefined)
  return { reads: () => reads, unaccounted, rssMb, close: () => loop.stop() }
}
