/** A process that stops at any step of an archive's commit leaves neither gap nor duplicate, and in the end nothing else. */
import { describe, expect, test } from 'vitest'
import { type ItemStore, type PublishedFiles, StoreError } from '../../lib/storage/index.ts'
import { append, openArchiveRig } from './rig.ts'

/** A process that stops: at its `at`th change of a store, before it or right after it; nothing of it happens later. */
function dyingStores(stores: { items: ItemStore; files: PublishedFiles }, at: number, when: 'before' | 'after') {
  let changes = 0
  const step = async <T>(change: () => Promise<T>): Promise<T> => {
    const number = ++changes
    if (number > at || (number === at && when === 'before')) throw dead()
    const done = await change()
    if (number === at) throw dead()
    return done
  }
  const { items, files } = stores
  return {
    changes: () => changes,
    items: { ...items, write: operations => step(() => items.write(operations)) } satisfies ItemStore,
    files: {
      ...files,
      put: (name, parts) => step(() => files.put(name, parts)),
      delete: names => step(() => files.delete(names)),
    } satisfies PublishedFiles,
  }
}

function dead(): StoreError {
  return new StoreError('STORE_REFUSED', 'this process is dead')
}

/** Of the second commit of an archive: with begin, clearing away, files, pointer, publication. */
async function openBeforeCommit() {
  const rig = openArchiveRig()
  const topic = await rig.create('flights', {}, 2)
  await append(rig.log, topic, [{ text: 'a' }, { text: 'b' }])
  await rig.archive()
  await append(rig.log, topic, [{ text: 'c' }], 1)
  await append(rig.log, topic, [{ text: 'd' }])
  return { ...rig, topic }
}

async function countChanges(): Promise<number> {
  const rig = await openBeforeCommit()
  const stores = dyingStores(rig, Number.POSITIVE_INFINITY, 'before')
  await rig.archive(stores)
  return stores.changes()
}

const steps = await countChanges()

test('a commit has some steps', () => expect(steps).toBeGreaterThan(6))

describe.each(['before', 'after'] as const)('stopped %s', when => {
  test.each(Array.from({ length: steps }, (_, i) => i + 1))('change %i', async at => {
    const rig = await openBeforeCommit()
    const { topic } = rig
    await rig.archive(dyingStores(rig, at, when))
    // Readers of the folder have a whole table, the old one or the new one.
    expect([2, 4]).toContain((await rig.readTable(topic)).rows.length)
    await rig.archive()
    const all = [
      [0, 0n],
      [0, 1n],
      [0, 2n],
      [1, 0n],
    ]
    const placesOf = async () => (await rig.readTable(topic)).rows.map(({ partition, offset }) => [partition, offset])
    expect(await placesOf()).toEqual(all)
    await append(rig.log, topic, [{ text: 'e' }])
    await rig.archive()
    expect(await placesOf()).toEqual([...all.slice(0, 3), [0, 3n], all[3]])
    const { names } = await rig.readTable(topic)
    expect([...rig.files.stored.keys()].filter(name => name.includes('/data/')).sort()).toEqual([...names].sort())
  })
})

test('of two that archive at the same time one does it, and the other changes nothing', async () => {
  const rig = await openBeforeCommit()
  await Promise.all([rig.archive(), rig.archive(), rig.archive()])
  expect((await rig.readTable(rig.topic)).rows).toHaveLength(4)
  await append(rig.log, rig.topic, [{ text: 'e' }])
  await rig.archive()
  const { rows, names } = await rig.readTable(rig.topic)
  expect(rows).toHaveLength(5)
  expect([...rig.files.stored.keys()].filter(name => name.includes('/data/')).sort()).toEqual([...names].sort())
})

test('one that slept before its last step loses to who came meanwhile', async () => {
  const rig = await openBeforeCommit()
  let asleep = true
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>()
  let writes = 0
  const items: ItemStore = {
    ...rig.items,
    write: async operations => {
      if (asleep && ++writes === 2) await woken
      return rig.items.write(operations)
    },
  }
  const sleeper = rig.archive({ items })
  while (writes < 2) await new Promise(resolve => setImmediate(resolve))
  await rig.archive()
  await append(rig.log, rig.topic, [{ text: 'e' }])
  await rig.archive()
  asleep = false
  wake()
  expect((await sleeper).findings).toEqual([])
  const { rows, names } = await rig.readTable(rig.topic)
  expect(rows.map(({ partition, offset }) => `${partition}@${offset}`)).toEqual(['0@0', '0@1', '0@2', '0@3', '1@0'])
  for (const name of names) expect(rig.files.stored.has(name)).toBe(true)
})

test('an answer that was lost after the last step loses and doubles nothing', async () => {
  const rig = await openBeforeCommit()
  let writes = 0
  const items: ItemStore = {
    ...rig.items,
    write: async operations => {
      const outcome = await rig.items.write(operations)
      if (++writes === 2) throw new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')
      return outcome
    },
  }
  expect((await rig.archive({ items })).findings).toHaveLength(1)
  await rig.archive()
  expect((await rig.readTable(rig.topic)).rows).toHaveLength(4)
})

describe('readers of the folder are not left at an older table', () => {
  const hint = (name: string) => name.endsWith('version-hint.text')

  /** Another process commits and publishes while the first one stands still at its `which`th put of that kind. */
  async function overtake(which: (name: string) => boolean) {
    const rig = await openBeforeCommit()
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>()
    const { promise: stands, resolve: stand } = Promise.withResolvers<void>()
    const files: PublishedFiles = {
      ...rig.files,
      put: async (name, parts) => {
        if (which(name)) {
          stand()
          await woken
        }
        return rig.files.put(name, parts)
      },
    }
    const sleeper = rig.archive({ files })
    await stands
    await append(rig.log, rig.topic, [{ text: 'e' }])
    const { jobs } = await rig.archive()
    await rig.archive({ jobs })
    wake()
    await sleeper
    return { rig, jobs }
  }

  test('by one that slept before it published its own', async () => {
    const { rig } = await overtake(name => /v\d+\.metadata\.json$/.test(name))
    expect((await rig.readTable(rig.topic)).rows).toHaveLength(5)
  })

  test('by a put that comes late', async () => {
    const { rig, jobs } = await overtake(hint)
    await rig.archive({ jobs })
    expect((await rig.readTable(rig.topic)).rows).toHaveLength(5)
  })
})
