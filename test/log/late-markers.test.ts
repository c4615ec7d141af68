import { expect, test } from 'vitest'
import { DEFAULT_SHARD_LIMITS } from '../../lib/log/head/shard-limits.ts'
import { openRig, send } from './rig.ts'

const DAY_MS = 24 * 3_600_000

test('the marker of an earlier transaction that comes a day late does not end a later one', async () => {
  const { open, clock } = openRig({ shardLimits: { ...DEFAULT_SHARD_LIMITS, snapshotIntervalCommits: 4 } })
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const producer = { producerId: 7, producerEpoch: 0 }
  const marker = { topic, partition: 0, ...producer, outcome: 'abort', timeoutMs: 5_000 } as const
  await send(log, topic, ['one'], { ...producer, baseSequence: 0, transaction: 1 })
  await log.endTransaction({ ...marker, transaction: 1 })
  clock.jump(DAY_MS + 1)
  for (let i = 0; i < 12; i++) await send(log, topic, ['x'])
  await send(log, topic, ['two'], { ...producer, baseSequence: 0, transaction: 2 })
  await log.endTransaction({ ...marker, transaction: 1 })
  const { lastStableOffset, endOffset } = await log.read({
    topic,
    partition: 0,
    offset: 0,
    maxBytes: 1,
    atLeastOneBatch: true,
    isolation: 'read_uncommitted',
  })
  expect(endOffset - lastStableOffset).toBe(1)
})
