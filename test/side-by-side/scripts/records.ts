import { DeleteRecords, Fetch, ListOffsets, OffsetForLeaderEpoch, Produce } from '../../../lib/protocol/index.ts'
import { COMPRESSIONS } from '../../../lib/records/index.ts'
import { append, batch, createTopics, fetchRequest, NOW, newProducer, produceRequest } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'

const unknownId = 'abcdefabcdefabcdefabcdefabcdefab'
const keyed = (key: string, value: string | null) => ({
  timestamp: NOW,
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
})

/** A whole batch, changed in place. */
function broken(change: (bytes: Buffer) => unknown): Buffer {
  const bytes = Buffer.from(batch(['a', 'b']))
  change(bytes)
  return bytes
}

export const recordScripts = [
  script('Produce', async transcript => {
    const [id] = await createTopics(transcript, { name: 'produced', partitions: 2 })
    const at = (version: number, topic = 'produced', topicId = id!) => (version >= 13 ? { topic, topicId } : { topic })
    await everyVersion(transcript, Produce, version => produceRequest({ ...at(version), records: batch(['a', 'b']) }))
    await everyVersion(transcript, Produce, version =>
      produceRequest({ ...at(version), records: batch(['a']), acks: 1 }),
    )
    await everyVersion(transcript, Produce, version =>
      produceRequest({ ...at(version), records: batch(['a']), partition: 9 }),
    )
    await everyVersion(transcript, Produce, version =>
      produceRequest({ ...at(version, 'nope', unknownId), records: batch(['a']) }),
    )
    await everyVersion(transcript, Produce, version =>
      produceRequest({ ...at(version), records: batch(['a']), acks: 5 }),
    )
    await everyVersion(transcript, Produce, () => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 5_000,
      topicData: [],
    }))
    for (const compression of COMPRESSIONS) {
      for (const version of [3, 6, 7, 12]) {
        const records = batch(['a', 'b'], { compression })
        await transcript.ask(Produce, version, produceRequest({ topic: 'produced', records })).catch(goOn)
      }
    }
    await transcript.ask(Fetch, 12, fetchRequest({ topic: 'produced' }))
  }),
  script('batches that cannot be', async transcript => {
    await createTopics(transcript, { name: 'broken' })
    const ask = async (records: Uint8Array) => {
      for (const version of [3, 7, 9, 12]) {
        await transcript.ask(Produce, version, produceRequest({ topic: 'broken', records })).catch(goOn)
      }
    }
    await ask(broken(bytes => bytes.writeUInt32BE(1, 17)))
    await ask(broken(bytes => bytes.writeInt8(1, 16)))
    await ask(batch(['a', 'b']).subarray(0, -1))
    await ask(batch(['a', 'b']).subarray(0, 20))
    await ask(Buffer.concat([batch(['a']), batch(['b'])]))
    await ask(batch(['x'.repeat(1_100_000)]))
    await ask(batch(['a'], { timestampType: 'LogAppendTime' }))
    await ask(batch(['a'], { isTransactional: true, producerId: 5, producerEpoch: 0, baseSequence: 0 }))
    await ask(batch(['a'], { isControl: true, producerId: 5, producerEpoch: 0, baseSequence: 0 }))
    await ask(batch(['a'], { timestamp: NOW + 100_000_000 }))
    await ask(batch(['a'], { timestamp: -1 }))
    await ask(new Uint8Array())
    await transcript
      .ask(Produce, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 5_000,
        topicData: [{ name: 'broken', partitionData: [{ index: 0, records: null }] }],
      })
      .catch(goOn)
    await transcript.ask(ListOffsets, 6, latest('broken'))
  }),
  script('idempotent producers', async transcript => {
    await createTopics(transcript, { name: 'idempotent' })
    const { producerId, producerEpoch } = await newProducer(transcript)
    const send = (baseSequence: number, values: string[], epoch = producerEpoch) => {
      const records = batch(values, { producerId, producerEpoch: epoch, baseSequence })
      return transcript.ask(Produce, 9, produceRequest({ topic: 'idempotent', records })).catch(goOn)
    }
    await send(0, ['a', 'b'])
    await send(0, ['a', 'b'])
    await send(2, ['c'])
    await send(4, ['e'])
    await send(0, ['a', 'b'])
    await send(0, ['a'])
    await send(1, ['b'])
    await send(3, ['d'], producerEpoch + 1)
    await send(0, ['d'], producerEpoch + 1)
    await send(3, ['d'], producerEpoch)
    for (let sequence = 1; sequence < 8; sequence++) await send(sequence, ['x'], producerEpoch + 1)
    await send(1, ['x'], producerEpoch + 1)
    await send(4, ['x'], producerEpoch + 1)
    await transcript.ask(ListOffsets, 6, latest('idempotent'))
    await transcript.ask(Fetch, 11, fetchRequest({ topic: 'idempotent' }))
  }),
  script('topic configs and records', async transcript => {
    await createTopics(
      transcript,
      { name: 'compacted', configs: { 'cleanup.policy': 'compact' } },
      { name: 'both', configs: { 'cleanup.policy': 'compact,delete' } },
      { name: 'stamped', configs: { 'message.timestamp.type': 'LogAppendTime' } },
      {
        name: 'bounded',
        configs: { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.after.max.ms': '1000' },
      },
      { name: 'small', configs: { 'max.message.bytes': '200' } },
      { name: 'zstd', configs: { 'compression.type': 'zstd' } },
      { name: 'plain', configs: { 'compression.type': 'uncompressed' } },
    )
    const ask = async (topic: string, records: Uint8Array) => {
      for (const version of [3, 8, 12]) {
        await transcript.ask(Produce, version, produceRequest({ topic, records })).catch(goOn)
      }
    }
    for (const topic of ['compacted', 'both']) {
      await ask(topic, batch(['no key']))
      await ask(topic, batch([], { records: [keyed('k', 'v'), keyed('k', null)] }))
    }
    await ask('compacted', batch([], { records: [keyed('k', 'v'), { timestamp: NOW, key: null, value: null }] }))
    await ask('stamped', batch(['a', 'b'], { timestamp: 5 }))
    await ask('bounded', batch(['a'], { timestamp: Date.now() - 100_000 }))
    await ask('bounded', batch(['a'], { timestamp: Date.now() + 100_000 }))
    await ask('small', batch(['x'.repeat(300)]))
    await ask('small', batch(['x']))
    await ask('small', batch(['x'.repeat(300)], { compression: 'gzip' }))
    for (const compression of COMPRESSIONS) {
      await append(transcript, { topic: 'zstd', records: batch(['a', 'b'], { compression }) })
      await append(transcript, { topic: 'plain', records: batch(['a', 'b'], { compression }) })
    }
    for (const topic of ['compacted', 'both', 'stamped', 'bounded', 'small', 'zstd', 'plain']) {
      await transcript.ask(Fetch, 11, fetchRequest({ topic }))
      await transcript.ask(ListOffsets, 6, latest(topic))
    }
  }),
  script('Fetch', async transcript => {
    const [id] = await createTopics(transcript, { name: 'fetched', partitions: 2 })
    for (const value of ['a', 'b', 'c']) {
      await append(transcript, { topic: 'fetched', records: batch([value, value, value]) })
    }
    const at = (version: number, topic = 'fetched', topicId = id!) => (version >= 13 ? { topic, topicId } : { topic })
    const every = (options: (version: number) => Parameters<typeof fetchRequest>[0]) =>
      everyVersion(transcript, Fetch, version => fetchRequest(options(version)))
    await every(version => ({ ...at(version) }))
    await every(version => ({ ...at(version), offset: 4 }))
    await every(version => ({ ...at(version), offset: 9 }))
    await every(version => ({ ...at(version), offset: 10 }))
    await every(version => ({ ...at(version), offset: -1 }))
    await every(version => ({ ...at(version), partition: 9 }))
    await every(version => ({ ...at(version), isolation: 1 }))
    await every(version => ({ ...at(version), maxBytes: 1 }))
    await every(version => ({ ...at(version), epoch: 0 }))
    await every(version => ({ ...at(version), epoch: 5 }))
    await every(version => ({ ...at(version, 'nope', unknownId) }))
    await everyVersion(transcript, Fetch, version => ({ ...fetchRequest({ ...at(version) }), topics: [] }))
    for (const maxBytes of [0, 90, 200, 230]) {
      await transcript.ask(Fetch, 11, { ...fetchRequest({ topic: 'fetched' }), maxBytes: 1_000_000 - maxBytes })
      await transcript.ask(Fetch, 11, fetchRequest({ topic: 'fetched', maxBytes }))
    }
    const fetched = fetchRequest({ topic: 'fetched' })
    await transcript.ask(Fetch, 11, { ...fetched, sessionId: 12_345, sessionEpoch: 7 })
    await transcript.ask(Fetch, 11, { ...fetched, sessionId: 0, sessionEpoch: 7 })
  }),
  script('ListOffsets', async transcript => {
    await createTopics(transcript, { name: 'listed', partitions: 2 })
    const times = [1_000, 3_000, 2_000, 5_000, 4_000]
    const records = times.map(offset => ({ timestamp: NOW - 10_000 + offset, key: null, value: Buffer.from('v') }))
    await append(transcript, { topic: 'listed', records: batch([], { records: records.slice(0, 3) }) })
    await append(transcript, {
      topic: 'listed',
      records: batch([], { records: records.slice(3), compression: 'gzip' }),
    })
    const ask = (timestamp: number, partitionIndex = 0, currentLeaderEpoch = -1, name = 'listed') => ({
      replicaId: -1,
      isolationLevel: 0,
      timeoutMs: 5_000,
      topics: [{ name, partitions: [{ partitionIndex, currentLeaderEpoch, timestamp }] }],
    })
    for (const timestamp of [
      -1,
      -2,
      -3,
      -4,
      -5,
      -6,
      -7,
      0,
      ...times.map(time => NOW - 10_000 + time),
      NOW - 6_999,
      NOW + 1,
    ]) {
      await everyVersion(transcript, ListOffsets, () => ask(timestamp))
    }
    for (const timestamp of [-1, -2, -3, NOW]) await everyVersion(transcript, ListOffsets, () => ask(timestamp, 1))
    await everyVersion(transcript, ListOffsets, () => ask(-1, 9))
    await everyVersion(transcript, ListOffsets, () => ask(-1, 0, 5))
    await everyVersion(transcript, ListOffsets, () => ask(-1, 0, 0))
    await everyVersion(transcript, ListOffsets, () => ask(-1, 0, -1, 'nope'))
    await everyVersion(transcript, ListOffsets, () => ({ ...ask(-1), isolationLevel: 1 }))
    await everyVersion(transcript, ListOffsets, () => ({ ...ask(-1), topics: [] }))
    await transcript.ask(ListOffsets, 6, {
      ...ask(-1),
      topics: [{ name: 'listed', partitions: [-1, -2].map(timestamp => ({ partitionIndex: 0, timestamp })) }],
    })
  }),
  script('DeleteRecords', async transcript => {
    await createTopics(transcript, { name: 'trimmed' })
    for (const value of ['a', 'b', 'c']) {
      await append(transcript, { topic: 'trimmed', records: batch([value, value, value]) })
    }
    const trim = (offset: number, partitionIndex = 0, name = 'trimmed') =>
      everyVersion(transcript, DeleteRecords, () => ({
        topics: [{ name, partitions: [{ partitionIndex, offset }] }],
        timeoutMs: 5_000,
      }))
    await trim(0)
    await trim(4)
    await trim(2)
    await trim(99)
    await trim(-2)
    await trim(1, 9)
    await trim(1, 0, 'nope')
    await everyVersion(transcript, DeleteRecords, () => ({ topics: [], timeoutMs: 1_000 }))
    await transcript.ask(Fetch, 11, fetchRequest({ topic: 'trimmed' }))
    await transcript.ask(Fetch, 11, fetchRequest({ topic: 'trimmed', offset: 4 }))
    await transcript.ask(ListOffsets, 6, {
      ...latest('trimmed'),
      topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
    })
    await trim(-1)
    await transcript.ask(ListOffsets, 6, {
      ...latest('trimmed'),
      topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
    })
    await transcript.ask(Fetch, 11, fetchRequest({ topic: 'trimmed', offset: 9 }))
  }),
  script('OffsetForLeaderEpoch', async transcript => {
    await createTopics(transcript, { name: 'epochs', partitions: 2 })
    await append(transcript, { topic: 'epochs', records: batch(['a', 'b', 'c']) })
    const ask = (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0, topic = 'epochs') =>
      everyVersion(transcript, OffsetForLeaderEpoch, () => ({
        replicaId: -1,
        topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
      }))
    await ask(0)
    await ask(0, 0)
    await ask(0, 3)
    await ask(5)
    await ask(-1)
    await ask(0, -1, 1)
    await ask(0, -1, 9)
    await ask(0, -1, 0, 'nope')
    await everyVersion(transcript, OffsetForLeaderEpoch, () => ({ replicaId: -1, topics: [] }))
  }),
]

function latest(name: string) {
  return { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }] }
}
