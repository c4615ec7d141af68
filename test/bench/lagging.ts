import { Admin } from '@platformatic/kafka'
import { Child } from '../support/child.ts'
import type { LaggingReaderOptions } from './lagging-reader.ts'
import { measureLatency } from './latency.ts'
import type { Measurement } from './measurement.ts'

/**
 * What a producer and its reader at the tail feel of readers far behind: latencies end to end at a steady pace in a topic of its own,
 * while others read another topic from its beginning as fast as they get it. The MB/s are theirs.
 */
export interface LaggingRun {
  readonly bootstrap: string
  /** What the readers read; filled. */
  readonly topic: string
  readonly partitions: number
  readonly readers: number
  readonly records: number
  readonly recordsPerSecond: number
  readonly recordBytes: number
}

/** Answers to a reader before the measurement begins. */
const warmUpAnswers = 5

export async function measureBesideLagging({ topic, partitions, readers, ...run }: LaggingRun): Promise<Measurement> {
  const tail = `${topic}-tail`
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [run.bootstrap] })
  const options: LaggingReaderOptions = { port: Number(run.bootstrap.split(':').at(-1)), topic, partitions }
  const children = Array.from({ length: readers }, () => new Child('bench/lagging-reader.ts', options))
  try {
    await admin.createTopics({ topics: [tail], partitions: 1 })
    await Promise.all(children.map(child => child.untilLines(warmUpAnswers)))
    const before = bytesOf(children)
    const began = performance.now()
    const { p50, p95, p99 } = await measureLatency({ ...run, topic: tail })
    const seconds = (performance.now() - began) / 1_000
    const megabytes = (bytesOf(children) - before) / 2 ** 20
    return {
      ...(readers > 0 && { megabytesPerSecond: megabytes / seconds }),
      ...(p50 !== undefined && { p50 }),
      ...(p95 !== undefined && { p95 }),
      ...(p99 !== undefined && { p99 }),
    }
  } finally {
    await Promise.all(children.map(child => child.kill()))
    await admin.deleteTopics({ topics: [tail] })
    await admin.close()
  }
}

function bytesOf(children: readonly Child[]): number {
  return children.flatMap(({ lines }) => lines.map(Number)).reduce((a, b) => a + b, 0)
}
