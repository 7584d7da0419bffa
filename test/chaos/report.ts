import type { Fault } from './fault.ts'
import type { ChaosResult } from './run-chaos.ts'
import { LEASE_MS } from './site.ts'

const RECOVERY_MS = LEASE_MS + 25_000

/** The figures of a run, and the table of docs/delivery-guarantees.md. */
export function describeResult(result: ChaosResult, faults: readonly Fault[]): string {
  const { duplicates, failedCalls, rssMb } = result
  return [
    '',
    toFaultTable(result, faults),
    '',
    `${result.conversions} conversions, ${result.acknowledged} acknowledged reports, ${result.requests} calls to trackers, ${result.minutes} min, queues on ${result.backend}, seed ${result.seed}`,
    `faults: ${result.happenings.length} of ${new Set(result.happenings.map((one) => one.name)).size} kinds`,
    `duplicates: ${Object.values(duplicates).reduce((sum, n) => sum + n, 0)} of ${result.requests} calls (${toList(duplicates)})`,
    toSlow(result),
    `calls of advertisers that were not answered 2xx, all repeated: ${toList(failedCalls)}`,
    `ledger: ${result.ledgerReads} reads`,
    `most memory, MB: ${toList(rssMb)}`,
    ...(result.broken.length === 0
      ? ['lost 0, out of order 0, unaccounted 0, unexplained duplicates 0']
      : ['BROKEN:', ...result.broken]),
  ].join('\n')
}

const toList = (counts: Readonly<Partial<Record<string, number>>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

function toFaultTable({ happenings }: ChaosResult, faults: readonly Fault[]): string {
  const rows = faults.flatMap((fault) => {
    const seen = happenings.filter((one) => one.name === fault.name)
    if (seen.length === 0) return []
    const longestMs = Math.max(...seen.map((one) => one.recoveryMs ?? Number.POSITIVE_INFINITY))
    const duplicates = seen.reduce((sum, one) => sum + one.duplicates, 0)
    return [
      `| ${fault.name} | ${fault.how} | ${fault.promise} | ${seen.length}×; ${duplicates} repeated; ${toRecovery(longestMs)} |`,
    ]
  })
  return ['| fault | how it is made | what is promised | what was seen |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
}

/** The promise: all is delivered one lease and 25 s after PostgreSQL and one worker are back. */
function toSlow({ happenings }: ChaosResult): string {
  const slow = happenings.filter(({ recoveryMs }) => recoveryMs === null || recoveryMs > RECOVERY_MS)
  const longestMs = Math.max(0, ...happenings.map((one) => one.recoveryMs ?? Number.POSITIVE_INFINITY))
  const names = [...new Set(slow.map((one) => one.name))]
  return `longest: ${toRecovery(longestMs)}; ${slow.length} longer than ${RECOVERY_MS / 1000} s${names.map((name) => `, ${name}`).join('')}`
}

const toRecovery = (ms: number): string =>
  Number.isFinite(ms) ? `recovered within ${(ms / 1000).toFixed(1)} s` : 'not recovered within three minutes'
