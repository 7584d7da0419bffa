import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { type Advertiser, startAdvertiser } from './advertiser.ts'
import { comparePage, type Duplicate, type DuplicateCause, type Finding } from './books.ts'
import { breakTheBook } from './break-the-book.ts'
import type { Fault, Happening } from './fault.ts'
import { watchLedger } from './ledger-watch.ts'
import { makeNetwork, TARGETS } from './network.ts'
import { withProgress } from './progress.ts'
import { createRandom, type Random } from './random.ts'
import { readPages, readRequests } from './read-books.ts'
import { untilRecovered } from './recovery.ts'
import type { Site, SiteOptions } from './site.ts'
import { withSite } from './with-site.ts'

export type ChaosOptions = SiteOptions & {
  seed: number
  faults: readonly Fault[]
  conversions: number
  perSecond: number
  /** Each drawn fault once, or rounds of them until all conversions are told. */
  rounds: 'one' | 'until_told'
  /** Aborted with an Error: everything is ended at once. */
  end: AbortSignal
  say(line: string): void
}

export type ChaosResult = {
  seed: number
  backend: 'redis' | 'postgres'
  conversions: number
  acknowledged: number
  requests: number
  failedCalls: Partial<Record<string, number>>
  happenings: (Happening & {
    duplicates: number
    timedOut: number
    failedCalls: Partial<Record<string, number>>
  })[]
  duplicates: Partial<Record<DuplicateCause, number>>
  ledgerReads: number
  rssMb: Record<string, number>
  minutes: number
  /** Everything that must not be; empty: all promises were kept. */
  broken: string[]
}

const SETTLE_MS_MAX = 240_000
const SHOWN_MAX = 20
const OVERLOADED = '503 overloaded'

/** Starts everything, breaks it in the order that the seed draws, and compares the books. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const startedMs = performance.now()
  return withSite(options, async (site) => {
    options.say('everything is started')
    const ran = await runOn(site, options)
    const keepDir = ran.broken.length > 0
    if (keepDir) options.say(`logs and records are kept in ${site.dir}`)
    return { result: { ...ran, minutes: Math.round((performance.now() - startedMs) / 6000) / 10 }, keepDir }
  })
}

async function runOn(site: Site, options: ChaosOptions): Promise<Omit<ChaosResult, 'minutes'>> {
  const { seed, backend, conversions, perSecond, say } = options
  const network = await makeNetwork(site)
  const ledger = watchLedger(site)
  const advertiser = startAdvertiser({ site, network, seed, perSecond, conversions })
  const toProgress = (): string => {
    const of = Number.isFinite(conversions) ? ` of ${conversions}` : ''
    return `${advertiser.told()}${of} conversions told, ${advertiser.acknowledged()} reports acknowledged, ${ledger.reads()} reads of the ledger`
  }
  const happenings = await withProgress(say, toProgress, async () => {
    const happened = await breakThings(site, advertiser, options)
    if (options.rounds === 'until_told') while (advertiser.told() < conversions) await wait(100)
    await advertiser.finish()
    return happened
  })
  say(`${advertiser.told()} conversions told; waiting until everything is delivered`)
  const settled = await withProgress(
    say,
    () => 'not yet',
    () => settle(site),
  )
  await ledger.close()
  await site.finishReceivers()
  say('comparing the books')
  const books = await compareBooks(site, { seed, told: advertiser.told(), happenings })
  const finalLedger = await site.client.get('/v1/ledger?explain=true')
  const unnamed = await breakTheBook(site)
  const within = (fromMs: number, toMs: number) => (one: { atMs: number }) =>
    one.atMs >= fromMs && one.atMs <= toMs
  const shown = happenings.map((happening) => {
    const isWithin = within(happening.fromMs, happening.mendedMs + (happening.recoveryMs ?? 0))
    return {
      ...happening,
      duplicates: books.duplicates.filter(isWithin).length,
      timedOut: books.duplicates.filter((one) => isWithin(one) && one.timedOut).length,
      // Calls beyond what this machine can store at that moment are refused whatever happens.
      failedCalls: countBy(
        advertiser.failed
          .filter((call) => isWithin(call) && call.what !== OVERLOADED)
          .map(({ what }) => what),
      ),
    }
  })
  const crashes = [...site.apis, ...site.workers].flatMap((node) => node.crashes)
  return {
    seed,
    backend,
    conversions: advertiser.told(),
    acknowledged: advertiser.acknowledged(),
    requests: books.requests,
    failedCalls: countBy(advertiser.failed.map((call) => call.what)),
    happenings: shown,
    duplicates: countBy(books.duplicates.map((one) => one.cause)),
    ledgerReads: ledger.reads(),
    rssMb: Object.fromEntries(ledger.rssMb),
    broken: [
      ...settled,
      ...books.broken,
      ...advertiser.wrong.slice(0, SHOWN_MAX).map((what) => `an advertiser was told ${what}`),
      ...ledger.unaccounted.map((what) => `ledger: ${what}`),
      ...(finalLedger.unaccounted === 0 ? [] : [`ledger at the end: ${JSON.stringify(finalLedger)}`]),
      ...unnamed,
      ...crashes.map((crash) => `crash: ${crash}`),
      ...shown.flatMap(brokenPromises(options.faults)),
    ],
  }
}

/** Each fault, then recovery, then a breath. */
async function breakThings(site: Site, advertiser: Advertiser, options: ChaosOptions): Promise<Happening[]> {
  const random = createRandom(options.seed)
  const happenings: Happening[] = []
  const possible = options.faults.filter((fault) => fault.canHappen(site))
  do {
    for (const fault of random.shuffle(possible)) {
      if (options.rounds === 'until_told' && advertiser.told() >= options.conversions) break
      await wait(random.between(1000, 3000))
      options.say(`making: ${fault.name}`)
      const happening = await breakOne(site, fault, random)
      happenings.push(happening)
      options.say(
        `${advertiser.told()} told; ${fault.name}: ${seconds(happening.mendedMs - happening.fromMs)} s, recovered after ${
          happening.recoveryMs === null ? 'NEVER' : `${seconds(happening.recoveryMs)} s`
        }`,
      )
    }
  } while (options.rounds === 'until_told' && advertiser.told() < options.conversions)
  return happenings
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1)

async function breakOne(site: Site, fault: Fault, random: Random): Promise<Happening> {
  const fromMs = Date.now()
  const failure = await fault.happen(site, random).then(
    () => null,
    (error: unknown) => String(error),
  )
  const mendedMs = Date.now()
  const recoveryMs = await untilRecovered(site, mendedMs)
  return { name: fault.name, fromMs, mendedMs, recoveryMs, failure, losesOutcomes: fault.losesOutcomes }
}

/** Waits until nothing is unfinished. */
async function settle(site: Site): Promise<string[]> {
  return eventually(
    async () => {
      const [left] = await site.postgres.query<{ due: number; batches: number; unsettled: number }>(
        `select (select count(*) from due)::int as due, (select count(*) from batches)::int as batches,
          (select count(*) from unsettled)::int as unsettled`,
      )
      if (left === undefined || left.due + left.batches + left.unsettled > 0)
        throw new Error(`unfinished at the end: ${JSON.stringify(left)}`)
      return []
    },
    { timeoutMs: SETTLE_MS_MAX, everyMs: 500 },
  ).catch((error: Error) => [error.message])
}

async function compareBooks(
  site: Site,
  { seed, told, happenings }: { seed: number; told: number; happenings: readonly Happening[] },
): Promise<{ broken: string[]; duplicates: Duplicate[]; requests: number }> {
  const requests = await readRequests(site.requestsFile)
  const findings: Finding[] = []
  const duplicates: Duplicate[] = []
  for await (const page of readPages(site, { seed, told, requests })) {
    const compared = comparePage(page, TARGETS, happenings)
    findings.push(...compared.findings)
    duplicates.push(...compared.duplicates)
  }
  // What no story told.
  for (const [n, list] of requests)
    if (!(n >= 0 && n < told))
      findings.push({ kind: 'not_stored', about: `${list[0]?.transaction}: was sent, but never reported` })
  const byKind = Map.groupBy(findings, (finding) => finding.kind)
  return {
    broken: [...byKind].flatMap(([kind, ofKind]) => [
      `${kind}: ${ofKind.length}`,
      ...ofKind.slice(0, SHOWN_MAX).map((finding) => `  ${finding.about}`),
    ]),
    duplicates,
    requests: [...requests.values()].reduce((sum, list) => sum + list.length, 0),
  }
}

const brokenPromises =
  (faults: readonly Fault[]) =>
  (happening: ChaosResult['happenings'][number]): string[] => {
    const fault = faults.find((one) => one.name === happening.name)
    const { name, recoveryMs, failedCalls, failure } = happening
    // Of calls that took too long no restart is the cause.
    const duplicates = happening.duplicates - happening.timedOut
    return [
      ...(failure === null ? [] : [`${name}: ${failure}`]),
      ...(recoveryMs === null ? [`${name}: not recovered within three minutes`] : []),
      ...(fault?.noFailedCall && Object.keys(failedCalls).length > 0
        ? [`${name}: calls failed: ${JSON.stringify(failedCalls)}`]
        : []),
      ...(fault?.noFailedCall && duplicates > 0 ? [`${name}: ${duplicates} duplicates`] : []),
    ]
  }

function countBy<Name extends string>(names: readonly Name[]): Partial<Record<Name, number>> {
  const counts: Partial<Record<Name, number>> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
