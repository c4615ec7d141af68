/** Two processes serve the same share partitions over one store. */
import { beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../lib/base/index.ts'
import { type GroupConfigs, groupConfigValues } from '../../lib/configs/index.ts'
import { type Log, openLog, type Topic } from '../../lib/log/index.ts'
import { ShareGroups } from '../../lib/share/index.ts'
import { seededRandom } from '../groups/support/fleet.ts'
import { batchOf } from '../support/batches.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

const LOCK_MS = 30_000

const configs: GroupConfigs = {
  ofGroup: async () => groupConfigValues({ 'share.auto.offset.reset': 'earliest', 'share.delivery.count.limit': '3' }),
}

let clock: ManualClock
let log: Log
let topic: Topic
let start: () => ShareGroups
const signal = new AbortController().signal

beforeEach(async () => {
  clock = new ManualClock()
  const stores = { objects: memoryObjects(), items: memoryItems() }
  let processes = 0
  const common = { ...stores, clock, logger: silentLogger }
  log = openLog({ ...common, random: seededRandom(1), flushBudget: Number.POSITIVE_INFINITY })
  topic = await log.topics.create({ name: 't', partitions: 1 })
  start = () => new ShareGroups({ ...common, log, configs, random: seededRandom(100 + processes++) })
  await log.append({
    topic,
    partition: 0,
    batch: batchOf(['a', 'b', 'c'], { timestamp: clock.now() }),
    timeoutMs: 1_000,
  })
})

/** Lets time pass in small steps only where the work waits for that. */
async function driven<T>(work: Promise<T>): Promise<T> {
  let isSettled = false
  const note = () => {
    isSettled = true
  }
  work.then(note, note)
  for (let step = 0; step < 300 && !isSettled; step++) await clock.advance(step < 50 ? 0 : 5)
  return work
}

async function acquire(shares: ShareGroups, memberId: string, session = 1, recordsMax = 2) {
  const request = {
    groupId: 'g',
    memberId,
    session,
    topic,
    partition: 0,
    recordsMax,
    bytesMax: 1_000_000,
    strict: true,
  }
  const { spans } = await driven(shares.records.acquire({ ...request, signal }))
  return spans.map(({ first, last, deliveries }) => [first, last, deliveries])
}

function settle(
  shares: ShareGroups,
  memberId: string,
  first: number,
  last: number,
  type: 'accept' | 'release' | 'renew',
) {
  const batches = [{ first, last, types: [type] }]
  return driven(shares.records.acknowledge({ groupId: 'g', memberId, session: 1, topic, partition: 0, batches }))
}

describe('two processes', () => {
  test('give no record to two members, whoever asks first', async () => {
    const [one, two] = [start(), start()]
    const given = await Promise.all([acquire(one, 'm'), acquire(two, 'n'), acquire(one, 'o'), acquire(two, 'p')])
    const offsets = given.flat().flatMap(([first, last]) => (first === last ? [first] : [first, last]))
    expect(offsets.toSorted()).toEqual([0, 1, 2])
  })

  test('take each other’s acknowledgements, and refuse nobody by what they knew before', async () => {
    const [one, two] = [start(), start()]
    await acquire(two, 'n', 1, 1)
    expect(await acquire(one, 'm')).toEqual([[1, 2, 1]])
    await settle(two, 'm', 1, 2, 'accept')
    await expect(settle(one, 'm', 1, 2, 'accept')).rejects.toMatchObject({ code: 'INVALID_RECORD_STATE' })
    await settle(one, 'n', 0, 0, 'accept')
    expect(await one.positions('g')).toMatchObject([{ start: 3, done: 0 }])
  })

  test('keep a dead process’s locks for as long as they last, and no longer', async () => {
    expect(await acquire(start(), 'm')).toEqual([[0, 1, 1]])
    const heir = start()
    expect(await acquire(heir, 'n', 1, 5)).toEqual([[2, 2, 1]])
    await clock.advance(LOCK_MS - 5_000)
    expect(await acquire(heir, 'n')).toEqual([])
    await clock.advance(5_000)
    expect(await acquire(heir, 'n')).toEqual([[0, 1, 2]])
    await expect(settle(heir, 'm', 0, 1, 'accept')).rejects.toMatchObject({ code: 'INVALID_RECORD_STATE' })
  })

  test('count a lock from when they saw it, whatever the wall clock says', async () => {
    const [one, two] = [start(), start()]
    await acquire(one, 'm', 1, 5)
    await clock.advance(LOCK_MS - 5_000)
    expect(await acquire(two, 'n')).toEqual([])
    clock.wallOffsetMs += 3_600_000
    await clock.advance(10_000)
    expect(await acquire(two, 'n')).toEqual([])
    expect(await acquire(one, 'n', 1, 5)).toEqual([[0, 2, 2]])
  })

  test('know of a renewal by the other', async () => {
    const [one, two] = [start(), start()]
    await acquire(one, 'm', 1, 5)
    expect(await acquire(two, 'n')).toEqual([])
    await clock.advance(LOCK_MS - 5_000)
    await settle(one, 'm', 0, 2, 'renew')
    await clock.advance(10_000)
    expect(await acquire(two, 'n')).toEqual([])
    await settle(two, 'm', 0, 2, 'accept')
  })
})

test('a session that ends late gives back what it was given, not what its successor was', async () => {
  const shares = start()
  const consumer = { groupId: 'g', memberId: 'm' }
  const places = [{ topicId: topic.id, partition: 0 }]
  const old = shares.records.sessions.open(consumer, places)
  await acquire(shares, 'm', old.number, 1)
  const ending = shares.records.endSession(old, { unseen: false })
  const next = shares.records.sessions.open(consumer, places)
  expect(await acquire(shares, 'm', next.number, 1)).toEqual([[1, 1, 1]])
  await driven(ending)
  expect(await acquire(shares, 'n', 9, 5)).toEqual([
    [0, 0, 2],
    [2, 2, 1],
  ])
})

test('a session ends with its connection, and is not opened on one that is gone', async () => {
  const { records } = start()
  const consumer = { groupId: 'g', memberId: 'm' }
  const connection = new AbortController()
  const session = records.openSession(consumer, [], connection.signal)
  expect(records.sessions.find(consumer)).toBe(session)
  connection.abort()
  expect(session.signal.aborted).toBe(true)
  expect(() => records.sessions.find(consumer)).toThrow('no share session')
  const kept = records.openSession(consumer, [], signal)
  expect(() => records.openSession(consumer, [], connection.signal)).toThrow('is gone')
  expect(records.sessions.find(consumer)).toBe(kept)
})

test('a record that nobody settles is given up after so many deliveries', async () => {
  const shares = start()
  for (const deliveries of [1, 2, 3]) {
    expect(await acquire(shares, 'm', 1, 1)).toEqual([[0, 0, deliveries]])
    await clock.advance(LOCK_MS)
  }
  expect(await acquire(shares, 'm', 1, 1)).toEqual([[1, 1, 1]])
  expect(await shares.positions('g')).toMatchObject([{ start: 1 }])
})
