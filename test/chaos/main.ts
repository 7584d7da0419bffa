import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { runBackPressure } from './back-pressure.ts'
import { Ended, endOnSignal } from './end-on-signal.ts'
import { ALL_FAULTS } from './faults/all.ts'
import { describeResult } from './report.ts'
import { runChaos } from './run-chaos.ts'

const USAGE = `npm run chaos -- [options]
  --conversions <n>       how many are told (20000)
  --rate <n>              conversions a second (100)
  --seed <n>              draws the same faults and conversions as the run that printed it
  --faults <a,b>          only faults whose name holds one of these words
  --once                  each fault once, however many conversions that takes
  --client got|undici     (got)
  --backend redis|postgres  (redis)
  --out <file>            the result as JSON
  --back-pressure --minutes <n> --plot <file.svg>   a flood of three times what can be stored, in place of faults`

const { values } = readOptions({
  options: {
    help: { type: 'boolean', default: false },
    seed: { type: 'string' },
    conversions: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '100' },
    backend: { type: 'string', default: 'redis' },
    client: { type: 'string', default: 'got' },
    faults: { type: 'string' },
    once: { type: 'boolean', default: false },
    out: { type: 'string' },
    'back-pressure': { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    plot: { type: 'string' },
  },
})
if (values.help) {
  process.stdout.write(`${USAGE}\n`)
  process.exit()
}
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const client = values.client === 'got' ? 'got' : 'undici'
const end = endOnSignal(say)
try {
  process.exitCode = (values['back-pressure'] ? await pressBack() : await breakAll()) ? 0 : 1
} catch (error) {
  if (!(error instanceof Ended)) throw error
  process.exitCode = error.status
}
// Callers and timers of a run that was ended in the middle would go on.
process.exit()

/** What the command line says; ends with the usage where it says something else. */
function readOptions<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`)
    process.exit(2)
  }
}

/** Both return whether all promises were kept. */
async function pressBack(): Promise<boolean> {
  const result = await runBackPressure({
    minutes: Number(values.minutes),
    client,
    end,
    plotFile: values.plot ?? null,
    say,
  })
  say(JSON.stringify(result, null, 2))
  return result.broken.length === 0 && result.withoutRetryAfter === 0
}

async function breakAll(): Promise<boolean> {
  const seed = Number(values.seed ?? randomInt(1_000_000))
  const names = values.faults?.split(',')
  const faults = ALL_FAULTS.filter(
    ({ name }) => names === undefined || names.some((part) => name.includes(part)),
  )
  say(`seed ${seed} (--seed ${seed} draws the same faults and conversions again); ${faults.length} faults`)
  const result = await runChaos({
    seed,
    faults,
    backend: values.backend === 'postgres' ? 'postgres' : 'redis',
    conversions: Number(values.conversions),
    perSecond: Number(values.rate),
    rounds: values.once ? 'one' : 'until_told',
    ownDisk: true,
    client,
    end,
    say,
  })
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`)
  say(describeResult(result, faults))
  return result.broken.length === 0
}
