import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { ensureClusterId } from '../../lib/broker/cluster-id.ts'
import { discoveryMs, Gateways, removalMs, renewalMs, silenceMs } from '../../lib/broker/gateways.ts'
import { chooseNode } from '../../lib/broker/rendezvous.ts'
import { type ItemStore, StoreError } from '../../lib/storage/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type MemoryItems, memoryItems } from '../support/memory-stores.ts'

const open: Gateways[] = []
afterEach(async () => {
  for (const gateways of open.splice(0)) await gateways.close()
})

interface Join {
  readonly items: ItemStore
  readonly clock: ManualClock
  readonly port: number
}

async function join({ items, clock, port }: Join): Promise<Gateways> {
  const advertised = { host: 'gateway.example', port, rack: null }
  const gateways = await Gateways.join({ items, clock, random: systemRandom, logger: silentLogger, advertised })
  open.push(gateways)
  return gateways
}

/** As after kill -9: its item stays as it is. */
function kill(gateways: Gateways, items: MemoryItems): Promise<void> {
  const before = new Map(items.items)
  open.splice(open.indexOf(gateways), 1)
  return gateways.close().then(() => {
    items.items.clear()
    for (const [key, item] of before) items.items.set(key, item)
  })
}

const idsSeenBy = (gateways: Gateways) => gateways.gateways().map(gateway => gateway.nodeId)

describe('gateways on one store', () => {
  test('that start at the same time get node ids of their own, and see each other', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    const all = await Promise.all([9001, 9002, 9003, 9004].map(port => join({ items, clock, port })))
    expect(all.map(one => one.nodeId).sort()).toEqual([1, 2, 3, 4])
    expect(new Set(all.map(one => one.clusterId)).size).toBe(1)
    await clock.advance(discoveryMs)
    for (const one of all) expect(idsSeenBy(one)).toEqual([1, 2, 3, 4])
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      expect(new Set(all.map(one => one.coordinatorOf(key).nodeId)).size).toBe(1)
    }
  })

  test('one that lives stays known, and is seen where it says', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    const [first] = [await join({ items, clock, port: 1 }), await join({ items, clock, port: 2 })]
    await clock.advance(20 * discoveryMs)
    expect(first.gateways()).toEqual([
      { nodeId: 1, host: 'gateway.example', port: 1, rack: null },
      { nodeId: 2, host: 'gateway.example', port: 2, rack: null },
    ])
  })

  test('one that stops cleanly is gone at the next look, and its id is free', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    const [first, second] = [await join({ items, clock, port: 1 }), await join({ items, clock, port: 2 })]
    await clock.advance(discoveryMs)
    open.splice(open.indexOf(first), 1)
    await first.close()
    await clock.advance(discoveryMs)
    expect(idsSeenBy(second)).toEqual([2])
    expect((await join({ items, clock, port: 3 })).nodeId).toBe(1)
  })

  test('one that dies is no longer counted on, and in the end its id is free', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    const [first, second] = [await join({ items, clock, port: 1 }), await join({ items, clock, port: 2 })]
    await clock.advance(discoveryMs)
    await kill(first, items)
    await clock.advance(silenceMs + 2 * discoveryMs)
    expect(idsSeenBy(second)).toEqual([2])
    expect((await join({ items, clock, port: 3 })).nodeId).toBe(3)
    await clock.advance(removalMs + discoveryMs)
    expect((await join({ items, clock, port: 4 })).nodeId).toBe(1)
  })

  test('one that starts again at its address has its id again at once', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    const first = await join({ items, clock, port: 1 })
    await join({ items, clock, port: 2 })
    await kill(first, items)
    const again = await join({ items, clock, port: 1 })
    expect(again.nodeId).toBe(1)
    expect(again.clusterId).toBe(first.clusterId)
  })

  test('two that say the same address both live, with ids of their own', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    const all = [await join({ items, clock, port: 1 }), await join({ items, clock, port: 1 })]
    await clock.advance(10 * discoveryMs)
    expect(all.map(one => one.nodeId).sort()).toEqual([1, 2])
    for (const one of all) expect(idsSeenBy(one)).toEqual([1, 2])
  })

  test('the dead of long ago are not counted on by one that starts', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    await kill(await join({ items, clock, port: 1 }), items)
    await clock.advance(3_600_000)
    const started = await join({ items, clock, port: 2 })
    expect(idsSeenBy(started)).toEqual([2])
  })

  test('a wall clock that is hours wrong costs one look, no more', async () => {
    const items = memoryItems()
    const [right, wrong] = [new ManualClock(), new ManualClock()]
    wrong.wallOffsetMs += 5 * 3_600_000
    const [first, second] = [await join({ items, clock: right, port: 1 }), await join({ items, clock: wrong, port: 2 })]
    for (let i = 0; i < 4; i++) {
      await right.advance(renewalMs)
      await wrong.advance(renewalMs)
    }
    expect(idsSeenBy(first)).toEqual([1, 2])
    expect(idsSeenBy(second)).toEqual([1, 2])
  })

  test('a renewal whose answer was lost does not cost the id', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    let mode: 'fine' | 'lost after' | 'lost before' = 'fine'
    const flaky: ItemStore = {
      ...items,
      write: async operations => {
        if (mode === 'lost before') throw new StoreError('STORE_OUTCOME_UNKNOWN', 'lost')
        const outcome = await items.write(operations)
        if (mode === 'lost after') throw new StoreError('STORE_OUTCOME_UNKNOWN', 'lost')
        return outcome
      },
    }
    const gateways = await join({ items: flaky, clock, port: 1 })
    const other = await join({ items, clock, port: 2 })
    for (const lost of ['lost after', 'fine', 'lost before', 'fine', 'lost after', 'lost before'] as const) {
      mode = lost
      await clock.advance(renewalMs + 500)
    }
    mode = 'fine'
    await clock.advance(2 * discoveryMs)
    expect(gateways.nodeId).toBe(1)
    expect(idsSeenBy(other)).toEqual([1, 2])
  })

  test('while the store does not answer, it goes on, and comes back', async () => {
    const items = memoryItems()
    const clock = new ManualClock()
    let isDown = false
    const answer = <T>(work: () => Promise<T>) =>
      isDown ? Promise.reject(new StoreError('STORE_UNAVAILABLE', 'down')) : work()
    const flaky: ItemStore = {
      ...items,
      write: operations => answer(() => items.write(operations)),
      query: (pk, query) => answer(() => items.query(pk, query)),
    }
    const gateways = await join({ items: flaky, clock, port: 1 })
    const other = await join({ items, clock, port: 2 })
    await clock.advance(discoveryMs)
    isDown = true
    await clock.advance(4 * discoveryMs)
    expect(idsSeenBy(gateways)).toEqual([1, 2])
    expect(idsSeenBy(other)).toEqual([2])
    isDown = false
    await clock.advance(2 * discoveryMs)
    expect(idsSeenBy(gateways)).toEqual([1, 2])
    expect(idsSeenBy(other)).toEqual([1, 2])
  })
})

describe('the cluster id', () => {
  test('is drawn once, whoever starts first', async () => {
    const items = memoryItems()
    const ids = await Promise.all(Array.from({ length: 10 }, () => ensureClusterId(items, systemRandom)))
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
  })
})

describe('rendezvous hashing', () => {
  const nodes = (...ids: number[]) => ids.map(nodeId => ({ nodeId }))
  const keys = Array.from({ length: 9_000 }, (_, i) => `group-${i}`)

  test('spreads keys over the nodes', () => {
    const counts = new Map<number, number>()
    for (const key of keys) {
      const { nodeId } = chooseNode(key, nodes(1, 2, 3))!
      counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1)
    }
    for (const count of counts.values()) expect(Math.abs(count - 3_000)).toBeLessThan(300)
    expect(counts.size).toBe(3)
  })

  test('moves only the keys of a node that goes', () => {
    for (const key of keys) {
      const before = chooseNode(key, nodes(1, 2, 3))!.nodeId
      const after = chooseNode(key, nodes(1, 3))!.nodeId
      if (before !== 2) expect(after).toBe(before)
    }
  })

  test('does not depend on the order in which nodes are known', () => {
    for (const key of keys.slice(0, 500)) {
      expect(chooseNode(key, nodes(3, 1, 2))).toEqual(chooseNode(key, nodes(1, 2, 3)))
    }
  })
})
