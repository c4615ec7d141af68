import { Consumer, Producer } from '@platformatic/kafka'
import { type Measurement, percentile } from './measurement.ts'

/** How long a record takes from the producer's call to the consumer's hands, at a steady pace and without linger. */
export interface LatencyRun {
  readonly bootstrap: string
  readonly topic: string
  readonly records: number
  readonly recordsPerSecond: number
  readonly recordBytes: number
}

/** The first records find connections and caches cold. */
const warmUpRecords = 50

export async function measureLatency(options: LatencyRun): Promise<Measurement> {
  const { bootstrap, topic, records, recordBytes } = options
  const common = { clientId: 'bench', bootstrapBrokers: [bootstrap] }
  const producer = new Producer({ ...common, acks: -1 })
  const consumer = new Consumer({ ...common, groupId: `${topic}-readers`, maxWaitTime: 1_000, minBytes: 1 })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  const sentAt: number[] = []
  const latencies: number[] = []
  const total = warmUpRecords + records
  const received = (async () => {
    for await (const message of stream) {
      latencies.push(performance.now() - sentAt[message.value.readUInt32BE(0)]!)
      if (latencies.length === total) return
    }
  })()
  const began = performance.now()
  const sends: Promise<unknown>[] = []
  for (let i = 0; i < total; i++) {
    await untilTime(began + (i * 1_000) / options.recordsPerSecond)
    const value = Buffer.alloc(recordBytes)
    value.writeUInt32BE(i)
    sentAt[i] = performance.now()
    sends.push(producer.send({ messages: [{ topic, value }] }))
  }
  await Promise.all([received, ...sends])
  const seconds = (performance.now() - began) / 1_000
  await Promise.all([consumer.close(true), producer.close()])
  const warm = latencies.slice(warmUpRecords)
  return {
    recordsPerSecond: total / seconds,
    megabytesPerSecond: (total * recordBytes) / 2 ** 20 / seconds,
    p50: percentile(warm, 50),
    p95: percentile(warm, 95),
    p99: percentile(warm, 99),
  }
}

async function untilTime(time: number): Promise<void> {
  const ms = time - performance.now()
  if (ms > 0) await new Promise(resolve => setTimeout(resolve, ms))
}
