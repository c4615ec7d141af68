/**
 * `npm run bench`: Varve and a real Apache Kafka on the same machine, in turns within one run, with Kafka's own tools.
 *
 *   --only produce,fetch     workloads: produce, produce-defaults, fetch, latency (default: these), transactions,
 *                            rebalance (50 members), flights (three million), lagging (beside readers far behind)
 *   --target varve,kafka     servers: varve, varve-cloud (over S3 and DynamoDB emulators), kafka (default: varve,kafka)
 *   --seconds 5              about how long each measurement takes
 *   --rounds 3               measurements of each; the report has their medians
 *   --flights 3000000        how many flights the workload of that name sends
 */
import { parseArgs } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { apacheKafkaMissing } from '../support/apache-kafka.ts'
import { MANY_FLIGHTS } from '../support/flights.ts'
import { chooseFrom, positive, readOrExplain } from './options.ts'
import { describeResults, describeServers, type Result, type ServerFigures } from './report.ts'
import { createTarget, type Target, type TargetName, targetNames } from './targets.ts'
import { usualWorkloads, type Workload, workloadNames, workloads } from './workloads.ts'

interface BenchOptions {
  readonly workloads: readonly Workload[]
  readonly targets: readonly TargetName[]
  readonly seconds: number
  readonly rounds: number
  readonly flights: number
}

const startsMeasured = 3
const usage = `npm run bench -- [--only ${workloadNames.join(',')}] [--target ${targetNames.join(',')}]
                 [--seconds 5] [--rounds 3] [--flights ${MANY_FLIGHTS}]`

/** Undefined: only the usage was asked for. */
function readOptions(): BenchOptions | undefined {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string', default: usualWorkloads.join(',') },
      target: { type: 'string', default: 'varve,kafka' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      flights: { type: 'string', default: String(MANY_FLIGHTS) },
    },
  })
  if (values.help) return undefined
  const wanted = chooseFrom('--only', values.only, workloadNames)
  return {
    workloads: workloads.filter(workload => wanted.includes(workload.name)),
    targets: chooseFrom('--target', values.target, targetNames),
    seconds: positive('--seconds', values.seconds),
    rounds: positive('--rounds', values.rounds),
    flights: positive('--flights', values.flights),
  }
}

async function main(): Promise<void> {
  const options = readOrExplain(usage, readOptions)
  if (!options) return
  const missing = await apacheKafkaMissing()
  if (missing !== undefined) throw new Error(`${missing}: its tools are the clients of this benchmark`)
  const targets: Target[] = []
  try {
    const readyMs = new Map<TargetName, number[]>()
    for (const name of options.targets) {
      const target = await createTarget(name)
      targets.push(target)
      readyMs.set(name, await measureStarts(target))
    }
    const results: Result[] = []
    for (let round = 0; round < options.rounds; round++) {
      for (const workload of options.workloads) {
        // Whoever comes second finds a warmer machine, so they take turns.
        const turns = round % 2 === 0 ? targets : targets.toReversed()
        for (const target of turns) results.push(await measure(workload, target, { ...options, round }))
      }
    }
    const servers = await Promise.all(targets.map(target => describeServer(target, readyMs.get(target.name) ?? [])))
    console.log(`${describeResults(results)}\n${describeServers(servers)}`)
  } finally {
    await Promise.all(targets.map(target => target.stop()))
  }
}

/** Leaves the server running. */
async function measureStarts({ server }: Target): Promise<number[]> {
  const times = [await server.start()]
  while (times.length < startsMeasured) {
    await server.kill()
    times.push(await server.start())
  }
  return times
}

async function measure(
  workload: Workload,
  target: Target,
  options: { seconds: number; flights: number; round: number },
): Promise<Result> {
  const { bootstrap } = target.server
  const topic = `${workload.name}-${options.round}`
  const run = { bootstrap, topic, seconds: options.seconds, flights: options.flights }
  process.stderr.write(`round ${options.round + 1}: ${workload.name} on ${target.name}\n`)
  await withAdmin(bootstrap, admin => admin.createTopics({ topics: [topic], partitions: workload.partitions }))
  await workload.fill?.(run)
  await target.server.forgetPeak()
  const before = await target.storeRequests()
  const measurement = await workload.measure(run)
  const after = await target.storeRequests()
  const { peakBytes } = await target.server.memory()
  await withAdmin(bootstrap, admin => admin.deleteTopics({ topics: [topic] }))
  const stores = before &&
    after && { requests: after.requests - before.requests, dollars: after.dollars - before.dollars }
  return { workload, target: target.name, measurement, stores, peakBytes }
}

async function describeServer({ name, server }: Target, readyMs: readonly number[]): Promise<ServerFigures> {
  const { bytes } = await server.memory()
  return { target: name, readyMs, memoryBytes: bytes }
}

async function withAdmin(bootstrap: string, work: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [bootstrap] })
  try {
    await work(admin)
  } finally {
    await admin.close()
  }
}

await main()
