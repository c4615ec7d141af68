import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliResult, runCli } from '../support/cli.ts'
import type { TestServer } from '../support/server-process.ts'
import { createTestServer } from '../support/varve-server.ts'

let server: TestServer
const topic = 'group-topic'

beforeAll(async () => {
  server = await createTestServer()
  await server.start()
  await varve(['topics', 'create', topic, '--partitions', '2'])
  await varve(['produce', topic, '--partition', '0'], 'a\nb\nc\n')
  await varve(['produce', topic, '--partition', '1'], 'd\ne\n')
})
afterAll(() => server?.stop())

function varve(args: readonly string[], input?: string): Promise<CliResult> {
  return runCli(args, { env: { VARVE_BOOTSTRAP: server.bootstrap }, ...(input !== undefined && { input }) })
}

/** Runs `work` while a consumer of the group has read and committed all five records. */
async function withConsumer(group: string, work: () => Promise<void>): Promise<void> {
  const kafka = new Kafka({ brokers: [server.bootstrap], clientId: 'reader', logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: group })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const all = Promise.withResolvers<void>()
  let seen = 0
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
      if (++seen === 5) all.resolve()
    },
  })
  await all.promise
  try {
    await work()
  } finally {
    await consumer.disconnect()
  }
}

async function committed(group: string): Promise<unknown[]> {
  const { offsets } = JSON.parse((await varve(['groups', 'describe', group, '--json'])).stdout)
  return offsets.map((offset: { committed: number; end: number; lag: number }) => [
    offset.committed,
    offset.end,
    offset.lag,
  ])
}

test('a group is listed and described while it reads, and may not be reset then', async () => {
  await withConsumer('readers', async () => {
    expect(JSON.parse((await varve(['groups', 'list', '--json'])).stdout)).toContainEqual({
      group: 'readers',
      state: 'Stable',
      type: 'classic',
      protocol: 'consumer',
    })
    const described = JSON.parse((await varve(['groups', 'describe', 'readers', '--json'])).stdout)
    expect(described).toMatchObject({ group: 'readers', state: 'Stable', members: [{ client: 'reader' }] })
    expect(described.members[0].partitions).toEqual([{ topic, partitions: [0, 1] }])
    expect((await varve(['groups', 'describe', 'readers'])).stdout).toMatch(/^group-topic +0 +3 +3 +0 +reader$/m)
    const refused = await varve(['groups', 'reset', 'readers', '--to', 'earliest'])
    expect(refused.stderr).toMatch(/^Group readers has active members \(state Stable\): stop its consumers/)
    expect(refused.code).toBe(1)
    expect(await committed('readers')).toEqual([
      [3, 3, 0],
      [2, 2, 0],
    ])
  })
})

test('a group without members is reset, to a dry run first', async () => {
  await withConsumer('resettable', async () => {})
  const dry = await varve(['groups', 'reset', 'resettable', '--to', 'earliest', '--dry-run'])
  expect(dry.stdout).toMatch(/^TOPIC +PARTITION +WAS +WOULD BE\ngroup-topic +0 +3 +0\ngroup-topic +1 +2 +0$/m)
  expect(await committed('resettable')).toEqual([
    [3, 3, 0],
    [2, 2, 0],
  ])
  expect(JSON.parse((await varve(['groups', 'reset', 'resettable', '--to', '-1', '--json'])).stdout)).toEqual({
    group: 'resettable',
    dryRun: false,
    offsets: [
      { topic, partition: 0, from: 3, to: 2 },
      { topic, partition: 1, from: 2, to: 1 },
    ],
  })
  await varve(['groups', 'reset', 'resettable', '--to', '1', '--topic', topic, '--partition', '0'])
  expect(await committed('resettable')).toEqual([
    [1, 3, 2],
    [1, 2, 1],
  ])
  await varve(['groups', 'reset', 'resettable', '--to', '2222-01-01'])
  expect(await committed('resettable')).toEqual([
    [3, 3, 0],
    [2, 2, 0],
  ])
})

test('a group may be given offsets before it first reads', async () => {
  await varve(['groups', 'reset', 'future', '--to', 'latest', '--topic', topic])
  expect(await committed('future')).toEqual([
    [3, 3, 0],
    [2, 2, 0],
  ])
})

test('a group that does not exist is told apart', async () => {
  const described = await varve(['groups', 'describe', 'nobody'])
  expect(described.stderr).toMatch(/^(Group nobody|The group) does not exist: see `varve groups list`/)
  expect(described.code).toBe(1)
  const reset = await varve(['groups', 'reset', 'nobody', '--to', 'earliest'])
  expect(reset.stderr).toMatch(/^Group nobody has committed nothing: name the topic to set with --topic/)
  expect(reset.code).toBe(1)
})
