import { type CommitOptionsPartition, Consumer, stringDeserializers } from '@platformatic/kafka'
import { memberArguments, onLeave, recordEvent, tell } from './member-output.ts'

/**
 * A member of a group with @platformatic/kafka; commits its positions ten times a second, changed or not: a commit that
 * this client holds while the group changes goes out in the new generation, over that of the partition's next owner (on
 * Apache Kafka too). For the same reason it does not tell its commits.
 */
const { bootstrap, topic, group } = memberArguments()
const commitEveryMs = 100

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
const positions = new Map<number, CommitOptionsPartition>()
let committing = false
setInterval(commit, commitEveryMs)

for await (const { partition, offset, key, value, leaderEpoch } of stream) {
  // Still in the stream's buffer when the partition went to another member.
  if (!assigned().includes(partition)) continue
  tell(recordEvent(partition, Number(offset), key, value))
  positions.set(partition, { topic, partition, offset: offset + 1n, leaderEpoch })
}

async function commit(): Promise<void> {
  const owned = assigned()
  for (const partition of positions.keys()) if (!owned.includes(partition)) positions.delete(partition)
  if (committing || positions.size === 0) return
  committing = true
  try {
    await consumer.commit({ offsets: [...positions.values()] })
  } catch (error) {
    // The group changed, or the server is away: again next time.
    console.error(error)
  }
  committing = false
}
