// node_modules/.bin/node bench/render.ts [--check]: processor time of rendering one delivery and judging its answer (under
// 15 us is promised), and of lint over 1,000 URLs (under a second). --check: exit 1 where that is not so.
import { PRESETS, TRACKER_PRESETS } from '../config/presets/presets.ts'
import type { DestinationDefinition } from '../src/catalogue/catalogue.ts'
import { judge } from '../src/deliveries/verdict.ts'
import { checkDefinition } from '../src/destinations/check-definition.ts'
import { compileDestination } from '../src/destinations/compile.ts'
import { lintUrl } from '../src/destinations/lint.ts'
import { renderDelivery } from '../src/destinations/render.ts'
import { sampleBox, sampleInput } from '../test/support/destination-samples.ts'

const ROUNDS = 9
const PER_ROUND = 5000
const MICROSECONDS_MAX = 15
const LINTED = 1000
const LINT_MILLISECONDS_MAX = 1000

const timings = { dns: null, tcp: null, tls: null, first_byte: null, total: 1 }
const ANSWERS = ['', 'OK', 'Success', '{"code":0,"message":"OK"}', '{"events_received":1}', 'Incorrect subid']

/** Of this thread, in microseconds: other programs on the machine do not count. */
const cpuMicroseconds = (): number => {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

async function definitionOf(preset: (typeof PRESETS)[number]): Promise<DestinationDefinition> {
  const url = (preset.example ?? '')
    .replace('https://X.', 'https://x.')
    .replace(/https:\/\/(?:TRACKING_DOMAIN|TRACKER|DOMAIN|HOST)/, 'https://trk.example.com')
  const secrets = ['ACCESS_TOKEN', 'API_SECRET', 'PIXEL_CODE'].map((name) => [name, sampleBox.seal(name)])
  const asked = { url, preset: preset.name, method: preset.method, secrets: Object.fromEntries(secrets) }
  return (await checkDefinition(asked, { allowCidrs: [] })).definition
}

/** Microseconds for one delivery, in the median of the rounds. */
function measure(definition: DestinationDefinition): number {
  const input = sampleInput({
    definition,
    shared: ['sale_amount', 'email', 'phone', 'fbclid', 'ip', 'user_agent'],
  })
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuMicroseconds()
    for (let n = 0; n < PER_ROUND; n++) {
      renderDelivery(input)
      const body = ANSWERS[n % ANSWERS.length] ?? ''
      const answer = { status: 200, headers: {}, body, bodyTruncated: false }
      const rules = { success: null, refusals: compileDestination(input.destination.definition).refusals }
      judge({ kind: 'answer', answer, timings, remoteIp: null }, rules, 0)
    }
    rounds.push((cpuMicroseconds() - before) / PER_ROUND)
  }
  return median(rounds)
}

function measureLint(): number {
  const urls = Array.from({ length: LINTED }, (_, n) => {
    const example = TRACKER_PRESETS[n % TRACKER_PRESETS.length]?.example ?? ''
    return `${example.replace('TRACKER', `t${n}.example.com`)}&sub=#s${(n % 10) + 1}#&n=${n}`
  })
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = cpuMicroseconds()
    for (const url of urls) lintUrl(url)
    return (cpuMicroseconds() - before) / 1000
  })
  return median(rounds)
}

let isTooSlow = false
for (const preset of PRESETS.filter((one) => one.not_built !== true)) {
  const microseconds = measure(await definitionOf(preset))
  isTooSlow ||= microseconds > MICROSECONDS_MAX
  console.log(`${preset.name.padEnd(16)} ${microseconds.toFixed(2).padStart(7)} us rendered and judged`)
}
const lintMilliseconds = measureLint()
isTooSlow ||= lintMilliseconds > LINT_MILLISECONDS_MAX
console.log(`lint             ${lintMilliseconds.toFixed(1).padStart(7)} ms for ${LINTED} URLs`)
if (isTooSlow && process.argv.includes('--check')) process.exit(1)
