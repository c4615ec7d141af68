import { expect, test } from 'vitest'
import type { Random } from '../../lib/base/index.ts'
import { CoordinatedShareGroup } from '../../lib/share/coordinated-share-group.ts'
import type { ShareHeartbeat } from '../../lib/share/index.ts'
import { ShareItems } from '../../lib/share/share-items.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { memoryItems } from '../support/memory-stores.ts'

const timing = { sessionTimeoutMs: 12_000, heartbeatIntervalMs: 3_000, membersMax: 10 }
const topic = { id: 'a'.repeat(32), name: 't', partitions: 2 }

function beat(memberId: string, epoch: number): ShareHeartbeat {
  const topicNames = epoch === 0 ? ['t'] : undefined
  return { groupId: 'g', memberId, epoch, topicNames, rackId: undefined, clientId: 'c', clientHost: '/h' }
}

/** Processes over one store; `slowly` makes reads wait. */
function setUp() {
  const clock = new ManualClock()
  const items = memoryItems()
  let reading: Promise<void> | undefined
  let token = 0
  const random: Random = { bytes: length => new Uint8Array(length).fill(++token) }
  const store: typeof items = {
    ...items,
    get: async key => {
      await reading
      return items.get(key)
    },
  }
  const coordinate = (coordinator: number) => {
    const group = new CoordinatedShareGroup({
      groupId: 'g',
      items: new ShareItems({ items: store, clock, random }),
      clock,
      coordinator,
      timing: async () => timing,
      findTopics: async () => [topic],
    })
    void group.watch()
    return group
  }
  const slowly = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    reading = promise
    return () => {
      reading = undefined
      resolve()
    }
  }
  return { clock, store, coordinate, slowly }
}

test('a member whose heartbeat waits behind a slow look is not put out with one that is late', async () => {
  const { clock, coordinate, slowly } = setUp()
  const group = coordinate(1)
  await group.heartbeat(beat('late', 0))
  await group.heartbeat(beat('looks', 0))
  await group.heartbeat(beat('waits', 0))
  await clock.advance(7_900)
  await group.heartbeat(beat('looks', 2))
  await group.heartbeat(beat('waits', 3))
  await clock.advance(3_950)
  await group.heartbeat(beat('waits', 3))
  const answer = slowly()
  await clock.advance(100)
  const looked = group.heartbeat(beat('looks', 3))
  // The alarm rings for the late one, and waits.
  await clock.advance(11_000)
  const waited = group.heartbeat(beat('waits', 3))
  await clock.advance(3_000)
  answer()
  expect(await looked).toMatchObject({ epoch: 3 })
  expect(await waited).toMatchObject({ epoch: 4, memberId: 'waits' })
})

test('a coordinator that another has replaced refuses nobody, and takes nobody in', async () => {
  const { clock, coordinate } = setUp()
  const former = coordinate(1)
  await former.heartbeat(beat('m', 0))
  await clock.advance(1)
  const next = coordinate(2)
  await next.heartbeat(beat('m', 1))
  expect(await next.heartbeat(beat('n', 0))).toMatchObject({ epoch: 2 })
  // The former has not looked since, and knows neither the epoch of the one nor the other.
  expect(await next.heartbeat(beat('m', 1))).toMatchObject({ epoch: 2 })
  await expect(former.heartbeat(beat('m', 2))).rejects.toMatchObject({ code: 'NOT_COORDINATOR' })

  await clock.advance(1)
  const third = coordinate(3)
  await third.heartbeat(beat('m', 2))
  await expect(next.heartbeat(beat('m', 0))).rejects.toMatchObject({ code: 'NOT_COORDINATOR' })
})

test('a member is told to ask again where the store does not say what became of a write', async () => {
  const { clock, store, coordinate } = setUp()
  store.write = async () => {
    throw new StoreError('STORE_OUTCOME_UNKNOWN', 'the connection broke')
  }
  const told = expect(coordinate(1).heartbeat(beat('m', 0))).rejects.toMatchObject({
    code: 'COORDINATOR_NOT_AVAILABLE',
  })
  await clock.advance(600_000)
  await told
})
