import { measureLatency } from './latency.ts'
import type { Measurement } from './measurement.ts'
import { runConsumerPerformance, runProducerPerformance } from './perf-tools.ts'
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

export const workloadNames = ['produce', 'produce-defaults', 'fetch', 'latency', 'flights'] as const
export type WorkloadName = (typeof workloadNames)[number]
/** All but the one that takes minutes. */
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

function produceLingering({ bootstrap, topic, seconds }: WorkloadRun): Promise<Measurement> {
  const properties = ['linger.ms=100', `batch.size=${1024 * 1024}`]
  return runProducerPerformance({ bootstrap, topic, records: seconds * lingeringPerSecond, recordBytes, properties })
}

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
    name: 'flights',
    client: '@platformatic/kafka',
    about: '8 partitions, US flights keyed by origin, published and read back, each there once',
    partitions: 8,
    measure: measureVolume,
  },
]
