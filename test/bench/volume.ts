/**
 * Volume, with real records: flights keyed by their origin are published and read back, and every one must be there once:
 * offsets without a gap in each partition, and as many records, and bytes of them, as were sent.
 */
import { Consumer, Producer, stringSerializers } from '@platformatic/kafka'
import { type Flight, manyFlights } from '../support/flights.ts'
import { type Measurement, percentile } from './measurement.ts'

export interface VolumeRun {
  readonly bootstrap: string
  readonly topic: string
  readonly flights: number
}

const flightsPerSend = 5_000
const sendsInFlight = 5

/** Records and bytes a second of publishing and reading together; the latency is that of a send. */
export async function measureVolume(options: VolumeRun): Promise<Measurement> {
  const began = performance.now()
  const sent = await publish(options)
  await readBack(options, sent)
  const seconds = (performance.now() - began) / 1_000
  return {
    recordsPerSecond: sent.records / seconds,
    megabytesPerSecond: sent.bytes / 2 ** 20 / seconds,
    p50: percentile(sent.latencies, 50),
    p95: percentile(sent.latencies, 95),
    p99: percentile(sent.latencies, 99),
  }
}

interface Sent {
  records: number
  /** Of keys and values. */
  bytes: number
  readonly latencies: number[]
}

async function publish({ bootstrap, topic, flights }: VolumeRun): Promise<Sent> {
  const producer = new Producer({
    clientId: 'bench',
    bootstrapBrokers: [bootstrap],
    acks: -1,
    serializers: stringSerializers,
  })
  const sent: Sent = { records: 0, bytes: 0, latencies: [] }
  const send = async (run: readonly Flight[]) => {
    const messages = run.map(flight => ({ topic, key: flight.origin, value: JSON.stringify(flight) }))
    for (const { key, value } of messages) sent.bytes += key.length + value.length
    sent.records += messages.length
    const began = performance.now()
    await producer.send({ messages })
    sent.latencies.push(performance.now() - began)
  }
  const underWay = new Set<Promise<void>>()
  for await (const run of inRuns(flights)) {
    const sending = send(run)
    underWay.add(sending)
    sending.then(
      () => underWay.delete(sending),
      () => undefined,
    )
    if (underWay.size >= sendsInFlight) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  await producer.close()
  return sent
}

async function* inRuns(flights: number): AsyncGenerator<readonly Flight[]> {
  let run: Flight[] = []
  let count = 0
  for await (const flight of manyFlights()) {
    run.push(flight)
    count++
    if (run.length === flightsPerSend || count === flights) {
      yield run
      run = []
    }
    if (count === flights) return
  }
  if (run.length > 0) yield run
}

async function readBack({ bootstrap, topic }: VolumeRun, sent: Sent): Promise<void> {
  const consumer = new Consumer({
    clientId: 'bench',
    bootstrapBrokers: [bootstrap],
    groupId: `${topic}-readers`,
    maxWaitTime: 1_000,
    minBytes: 1,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  const nextOffsets = new Map<number, bigint>()
  let records = 0
  let bytes = 0
  for await (const { partition, offset, key, value } of stream) {
    const expected = nextOffsets.get(partition) ?? 0n
    if (offset !== expected) throw new Error(`offset ${offset} of partition ${partition} came instead of ${expected}`)
    nextOffsets.set(partition, offset + 1n)
    bytes += key.length + value.length
    if (++records === sent.records) break
  }
  if (bytes !== sent.bytes) throw new Error(`${bytes} bytes were read back of ${sent.bytes}`)
  await consumer.close(true)
}
