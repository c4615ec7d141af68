import { Kafka, logLevel } from 'kafkajs'
import { memberArguments, onLeave, recordEvent, tell } from './member-output.ts'

/** A member of a group with KafkaJS; commits after each batch. */
const { bootstrap, topic, group } = memberArguments()
const kafka = new Kafka({
  brokers: bootstrap,
  clientId: 'member',
  logLevel: logLevel.ERROR,
  connectionTimeout: 2_000,
  retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 200 },
})
const consumer = kafka.consumer({
  groupId: group,
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 500,
  maxWaitTimeInMs: 200,
})

consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  tell({ kind: 'assigned', partitions: payload.memberAssignment[topic] ?? [] })
})
consumer.on(consumer.events.CRASH, ({ payload }) => {
  if (payload.restart) return
  console.error(payload.error)
  process.exit(1)
})
onLeave(() => consumer.disconnect())

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
    let next: number | undefined
    for (const { offset, key, value } of batch.messages) {
      if (!isRunning() || isStale()) break
      tell(recordEvent(batch.partition, Number(offset), String(key), String(value)))
      next = Number(offset) + 1
      resolveOffset(offset)
    }
    if (next === undefined) return
    await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(next) }])
    tell({ kind: 'committed', partition: batch.partition, offset: next })
    await heartbeat()
  },
})
