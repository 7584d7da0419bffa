const KEPT_MAX = 14

/** A plan in short: parts that were never executed are left out, and of what repeats per partition the first stays. */
export function toPlanLines(lines: readonly string[]): string {
  const kept: string[] = []
  let skippedDepth: number | null = null
  for (const line of lines) {
    const depth = line.search(/\S/)
    if (skippedDepth !== null && depth > skippedDepth) continue
    skippedDepth = null
    if (line.includes('never executed')) {
      skippedDepth = depth
      continue
    }
    if (isDetail(line)) continue
    kept.push(line)
  }
  const [nodes, summary] = [kept.filter((line) => !isSummary(line)), kept.filter(isSummary)]
  const shown = nodes.slice(0, KEPT_MAX)
  if (nodes.length > shown.length) shown.push(`   ... ${nodes.length - shown.length} more lines`)
  return [...shown, ...summary].join('\n')
}

const isSummary = (line: string): boolean => /^(Planning|Execution) Time/.test(line)

const isDetail = (line: string): boolean =>
  /^\s*(Planning:|Output:|Sort Method|Sort Key|Index Searches|Heap Fetches|Buckets|Storage|Hits:|Cache Key|Cache Mode|Worker|Presorted|Pre-sorted|Full-sort|Group Key|InitPlan|SubPlan|CTE|Heap Blocks|Subplans Removed)/.test(
    line,
  ) ||
  (/^\s+Buffers:/.test(line) && line.search(/\S/) > 4)
