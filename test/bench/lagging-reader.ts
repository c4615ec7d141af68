/**
 * A reader far behind, as a process of its own: it reads a topic from its beginning, as fast as it gets it and without looking at the
 * records, and begins again at the end, until it is killed. Prints the bytes of each answer's records.
 */
import { Fetch } from '../../lib/protocol/index.ts'
import { WireClient } from '../support/wire-client.ts'

export interface LaggingReaderOptions {
  readonly port: number
  readonly topic: string
  readonly partitions: number
}

const version = 11
/** The Java consumer's defaults. */
const fetchBytesMax = 50 * 1_024 * 1_024
const partitionBytesMax = 1_024 * 1_024
/** Base offset and length. */
const batchHeadBytes = 12
const lastOffsetDeltaAt = 23

const { port, topic, partitions } = JSON.parse(process.argv[2]!) as LaggingReaderOptions
const client = await WireClient.connect(port)
const offsets = Array.from({ length: partitions }, () => 0)
for (;;) {
  const { responses } = await client.request(Fetch, version, {
    ...{ replicaId: -1, maxWaitMs: 500, minBytes: 1, maxBytes: fetchBytesMax, isolationLevel: 0 },
    topics: [
      {
        topic,
        partitions: offsets.map((fetchOffset, partition) => ({
          partition,
          fetchOffset,
          partitionMaxBytes: partitionBytesMax,
        })),
      },
    ],
  })
  let bytes = 0
  for (const told of responses.flatMap(each => each.partitions)) {
    const { partitionIndex, errorCode, records, highWatermark } = told
    if (errorCode !== 0) throw new Error(`partition ${partitionIndex}: error ${errorCode}`)
    bytes += records?.length ?? 0
    const next = records && records.length > 0 ? endOf(records) : 0
    offsets[partitionIndex] = next < Number(highWatermark) ? next : 0
  }
  console.log(bytes)
}

/** The offset behind the last batch that is there as a whole; the last may be there in part. */
function endOf(records: Uint8Array): number {
  const view = Buffer.from(records.buffer, records.byteOffset, records.length)
  let end = 0
  for (let at = 0; at + batchHeadBytes <= view.length; ) {
    const next = at + batchHeadBytes + view.readInt32BE(at + 8)
    if (next > view.length) break
    end = Number(view.readBigInt64BE(at)) + view.readInt32BE(at + lastOffsetDeltaAt) + 1
    at = next
  }
  return end
}
