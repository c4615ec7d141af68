import { Consumer, stringDeserializers } from '@platformatic/kafka'
import { memberArguments, onLeave, recordEvent, tell } from './member-output.ts'

/**
 * A member of a group with @platformatic/kafka; commits every hundred records and when it has read all it got. It does not
 * tell its commits: one that waits while the group changes goes out in the new generation, so a partition's next owner may
 * have begun before it (seen on Apache Kafka too).
 */
const { bootstrap, topic, group } = memberArguments()
const recordsPerCommit = 100

const consumer = new Consumer({
  clientId: 'member',
  groupId: group,
  bootstrapBrokers: bootstrap,
  deserializers: stringDeserializers,
  autocommit: false,
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 500,
  maxWaitTime: 200,
  retries: 200,
  retryDelay: 200,
  connectTimeout: 2_000,
})
const assigned = () => consumer.assignments?.find(assignment => assignment.topic === topic)?.partitions ?? []

consumer.on('consumer:group:join', () => tell({ kind: 'assigned', partitions: assigned() }))
onLeave(() => consumer.close(true))

const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
const uncommitted = new Map<number, { offset: number; leaderEpoch: number }>()
let records = 0

for await (const { partition, offset, key, value, leaderEpoch } of stream) {
  // Still in the stream's buffer when the partition went to another member.
  if (!assigned().includes(partition)) continue
  tell(recordEvent(partition, Number(offset), key, value))
  uncommitted.set(partition, { offset: Number(offset) + 1, leaderEpoch })
  if (++records % recordsPerCommit === 0 || stream.readableLength === 0) await commit()
}

async function commit(): Promise<void> {
  const offsets = [...uncommitted].filter(([partition]) => assigned().includes(partition))
  uncommitted.clear()
  try {
    await consumer.commit({
      offsets: offsets.map(([partition, { offset, leaderEpoch }]) => ({
        topic,
        partition,
        offset: BigInt(offset),
        leaderEpoch,
      })),
    })
  } catch (error) {
    // The group changed, or the server is away: whoever owns the partition next reads these again.
    console.error(error)
  }
}
