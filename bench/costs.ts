// node_modules/.bin/node bench/costs.ts [got|undici] [redis|postgres] [calls]: what a delivery costs, by process and by
// statement. Counting statements costs a little itself.
import { measureThroughput, startReceiver, WARM_UP_CALLS } from './measure.ts'
import { end, startBenchRedis } from './processes.ts'
import { startRelaySubject } from './relay-under-test.ts'
import { readStatements, readWalBytes, startCounting } from './statements.ts'
import { CONNECTIONS, ensureWrk } from './wrk.ts'

const [client = 'undici', backend = 'redis', callsText = '20000'] = process.argv.slice(2)
if ((client !== 'got' && client !== 'undici') || (backend !== 'redis' && backend !== 'postgres'))
  throw new Error('usage: node_modules/.bin/node bench/costs.ts [got|undici] [redis|postgres] [calls]')
const DESTINATIONS = 100
const SHOWN = 12

await ensureWrk()
const redis = backend === 'redis' ? await startBenchRedis() : null
const receiver = await startReceiver()
const subject = await startRelaySubject(
  { name: `relay + ${client}, ${backend}`, client, backend },
  { redis, receiverPort: receiver.port, destinations: DESTINATIONS, countsStatements: true },
)
try {
  const options = { destinations: DESTINATIONS, connections: CONNECTIONS, progress: () => undefined }
  await measureThroughput(subject, receiver, { ...options, calls: WARM_UP_CALLS, prefix: 'w' })
  await startCounting(subject.dataDir ?? '')
  const walBefore = await readWalBytes(subject.dataDir ?? '')
  const measured = await measureThroughput(subject, receiver, {
    ...options,
    calls: Number(callsText),
    prefix: 't',
  })
  const { cpuUs, deliveredWhileLoadedPerS, calls, lost } = measured
  console.log(
    `${subject.name}: ${Math.round(deliveredWhileLoadedPerS)} delivered/s while loaded, ${lost} lost`,
  )
  const walBytes = (await readWalBytes(subject.dataDir ?? '')) - walBefore
  console.log(`${Math.round(walBytes / calls)} bytes written ahead by Postgres per delivery`)
  console.table(
    Object.fromEntries(
      Object.entries(cpuUs).map(([kind, us]) => [kind, { 'us CPU/delivery': Math.round(us) }]),
    ),
  )
  const statements = await readStatements(subject.dataDir ?? '')
  console.table(
    statements.slice(0, SHOWN).map(({ ms, calls: times, rows, text }) => ({
      'us/delivery': Math.round((ms * 1000) / calls),
      times,
      rows,
      statement: text.slice(0, 70),
    })),
  )
} finally {
  await subject.stop()
  receiver.stop()
  if (redis !== null) await end(redis.child)
}
