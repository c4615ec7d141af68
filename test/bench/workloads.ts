import { measureBesideLagging } from './lagging.ts'
import { measureLatency } from './latency.ts'
import type { Measurement } from './measurement.ts'
import { runConsumerPerformance, runProducerPerformance } from './perf-tools.ts'
import { measureForming, measureFormingOfKafkaJs, measureJoining, type RebalanceRun } from './rebalance.ts'
import { measureVolume } from './volume.ts'

/** The workloads, and what Varve must reach in each: a part of Kafka's speed in the same run, or a bound. */
export interface Workload {
  readonly name: WorkloadName
  readonly client: string
  readonly about: string
  readonly partitions: number
  /** Absent: nothing is demanded. */
  readonly floor?: { readonly ofKafka: number } | { readonly p50Ms: number }
  /** Runs the client against a topic of its own; `fill` is for what must be there before, and is not measured. */
  readonly fill?: (run: WorkloadRun) => Promise<unknown>
  readonly measure: (run: WorkloadRun) => Promise<Measurement>
}

export const workloadNames = [
  'produce',
  'produce-defaults',
  'fetch',
  'latency',
  'transactions',
  'rebalance',
  'flights',
  'lagging',
] as const
export type WorkloadName = (typeof workloadNames)[number]
/** All but those that take minutes. */
export const usualWorkloads: readonly WorkloadName[] = ['produce', 'produce-defaults', 'fetch', 'latency']

export interface WorkloadRun {
  readonly bootstrap: string
  readonly topic: string
  /** About how long the measurement should take. */
  readonly seconds: number
  /** How many flights the volume workload sends. */
  readonly flights: number
}

const recordBytes = 1_024
/** So many records make about a second's work on two cores. */
const lingeringPerSecond = 80_000
const defaultsPerSecond = 40_000
const latencyPerSecond = 100
const transactionMs = 100

function produceLingering({ bootstrap, topic, seconds }: WorkloadRun): Promise<Measurement> {
  const properties = ['linger.ms=100', `batch.size=${1024 * 1024}`]
  return runProducerPerformance({ bootstrap, topic, records: seconds * lingeringPerSecond, recordBytes, properties })
}

const groupMembers = 50
const groupPartitions = 100
/** Rebalances in a measurement, whatever its seconds. */
const rebalances = 3
const aboutGroup = `${groupMembers} members, ${groupPartitions} partitions`

function rebalanceRun({ bootstrap, topic }: WorkloadRun): RebalanceRun {
  return { bootstrap, topic, partitions: groupPartitions, members: groupMembers, times: rebalances }
}

/**
 * Each is a workload of the same name: `--only rebalance` measures all. The Kafka of this benchmark has a
 * `group.initial.rebalance.delay.ms` of 0 (test/support), so its classic groups form twice; Varve's is 500.
 */
const rebalanceWorkloads: readonly Workload[] = [
  {
    name: 'rebalance',
    client: 'classic protocol',
    about: `${aboutGroup}, all join at once`,
    partitions: groupPartitions,
    floor: { p50Ms: 2_000 },
    measure: run => measureForming('classic', rebalanceRun(run)),
  },
  {
    name: 'rebalance',
    client: 'KafkaJS',
    about: `${aboutGroup}, all join at once`,
    partitions: groupPartitions,
    floor: { p50Ms: 2_000 },
    measure: run => measureFormingOfKafkaJs(rebalanceRun(run)),
  },
  {
    name: 'rebalance',
    client: 'classic protocol',
    about: `${aboutGroup}, the last joins the others, who hear of it by their heartbeats of 3 s`,
    partitions: groupPartitions,
    measure: run => measureJoining('classic', rebalanceRun(run)),
  },
  {
    name: 'rebalance',
    client: 'consumer protocol',
    about: `${aboutGroup}, all join at once`,
    partitions: groupPartitions,
    floor: { p50Ms: 2_000 },
    measure: run => measureForming('consumer', rebalanceRun(run)),
  },
  {
    name: 'rebalance',
    client: 'consumer protocol',
    about: `${aboutGroup}, the last joins the others`,
    partitions: groupPartitions,
    floor: { p50Ms: 2_000 },
    measure: run => measureJoining('consumer', rebalanceRun(run)),
  },
]

/** What the readers far behind read, and whatever the server keeps in memory is a small part of: so many seconds' worth of records. */
const laggingSeconds = 20

const laggingWorkloads: readonly Workload[] = [0, 1, 3].map(readers => ({
  name: 'lagging',
  client: '@platformatic/kafka',
  about: `${latencyPerSecond} records/s, end to end, beside ${readers} readers far behind (whose MB/s these are)`,
  partitions: 8,
  ...(readers > 0 && { fill: (run: WorkloadRun) => produceLingering({ ...run, seconds: laggingSeconds }) }),
  measure: ({ bootstrap, topic, seconds }: WorkloadRun) =>
    measureBesideLagging({
      ...{ bootstrap, topic, partitions: 8, readers, recordBytes },
      records: seconds * latencyPerSecond,
      recordsPerSecond: latencyPerSecond,
    }),
}))

export const workloads: readonly Workload[] = [
  {
    name: 'produce',
    client: 'ProducerPerformance',
    about: '8 partitions, linger 100 ms, batches of 1 MiB',
    partitions: 8,
    floor: { ofKafka: 0.8 },
    measure: produceLingering,
  },
  {
    name: 'produce-defaults',
    client: 'ProducerPerformance',
    about: "1 partition, the client's defaults",
    partitions: 1,
    floor: { ofKafka: 1 },
    measure: ({ bootstrap, topic, seconds }) =>
      runProducerPerformance({ bootstrap, topic, records: seconds * defaultsPerSecond, recordBytes, properties: [] }),
  },
  {
    name: 'fetch',
    client: 'ConsumerPerformance',
    about: '8 partitions, from the beginning',
    partitions: 8,
    floor: { ofKafka: 1 },
    fill: produceLingering,
    measure: ({ bootstrap, topic, seconds }) =>
      runConsumerPerformance({ bootstrap, topic, records: seconds * lingeringPerSecond }),
  },
  {
    name: 'latency',
    client: '@platformatic/kafka',
    about: `1 partition, ${latencyPerSecond} records/s, no linger, end to end`,
    partitions: 1,
    floor: { p50Ms: 8 },
    measure: ({ bootstrap, topic, seconds }) =>
      measureLatency({
        bootstrap,
        topic,
        records: seconds * latencyPerSecond,
        recordsPerSecond: latencyPerSecond,
        recordBytes,
      }),
  },
  {
    name: 'transactions',
    client: 'ProducerPerformance',
    about: `8 partitions, transactions of ${transactionMs} ms, the client's defaults`,
    partitions: 8,
    floor: { ofKafka: 1 },
    measure: ({ bootstrap, topic, seconds }) =>
      runProducerPerformance({
        ...{ bootstrap, topic, recordBytes, transactionMs },
        records: seconds * defaultsPerSecond,
        properties: [],
      }),
  },
  {
    name: 'flights',
    client: '@platformatic/kafka',
    about: '8 partitions, US flights keyed by origin, published and read back, each there once',
    partitions: 8,
    measure: measureVolume,
  },
  ...laggingWorkloads,
  ...rebalanceWorkloads,
]
