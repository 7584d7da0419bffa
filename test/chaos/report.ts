import type { Fault } from './fault.ts'
import type { ChaosResult } from './run-chaos.ts'

/** The figures of a run, and the table of docs/delivery-guarantees.md. */
export function describeResult(result: ChaosResult, faults: readonly Fault[]): string {
  const { duplicates, failedCalls, rssMb } = result
  return [
    '',
    toFaultTable(result, faults),
    '',
    `${result.conversions} conversions, ${result.acknowledged} acknowledged reports, ${result.requests} calls to trackers, ${result.minutes} min, queues on ${result.backend}, seed ${result.seed}`,
    `duplicates: ${toList(duplicates)}`,
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
      `| ${fault.name} | ${fault.how} | ${fault.promise} | ${seen.length}×; ${duplicates} repeated; recovered within ${(longestMs / 1000).toFixed(1)} s |`,
    ]
  })
  return ['| fault | how it is made | what is promised | what was seen |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
}
