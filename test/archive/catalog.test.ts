/** Archives whose tables are in a catalog: the catalog's commit decides, whatever stops, comes late, or commits in between. */
import { describe, expect, test } from 'vitest'
import { decodeArchive } from '../../lib/archive/archive-item.ts'
import { encodeAvroFile } from '../../lib/archive/avro-file.ts'
import { archivedOffsets } from '../../lib/archive/catalog-metadata.ts'
import { neededByArchive, type TableCatalog } from '../../lib/archive/index.ts'
import type { Topic } from '../../lib/log/index.ts'
import { type ItemStore, StoreError } from '../../lib/storage/index.ts'
import { type MemoryCatalog, memoryCatalog } from '../support/memory-catalog.ts'
import { append, openArchiveRig, readCatalogTable } from './rig.ts'

async function openRig(configs: Record<string, string> = {}) {
  const rig = openArchiveRig()
  const catalog = memoryCatalog()
  const topic = await rig.create('flights', configs, 2)
  const placesOf = async () =>
    (await readCatalogTable(catalog, 'flights')).rows.map(({ partition, offset }) => `${partition}@${offset}`)
  return { ...rig, catalog, topic, placesOf }
}

/** Of the second commit: with three records more in two partitions. */
async function openBeforeCommit() {
  const rig = await openRig()
  await append(rig.log, rig.topic, [{ text: 'a' }, { text: 'b' }])
  await rig.archive(rig)
  await append(rig.log, rig.topic, [{ text: 'c' }], 1)
  await append(rig.log, rig.topic, [{ text: 'd' }, { text: 'e' }])
  return rig
}
const ALL = ['0@0', '0@1', '0@2', '0@3', '1@0']

/** Another program's snapshot of the same files, as a compaction makes one. */
async function commitAsOther(catalog: MemoryCatalog, id: bigint, { expire = false } = {}) {
  const { metadata } = await readCatalogTable(catalog, 'flights')
  const { current, uuid, lastSequenceNumber } = metadata
  const summary = { operation: 'replace' }
  const snapshot = { ...current!, 'snapshot-id': id, 'parent-snapshot-id': current!['snapshot-id'], summary }
  const refused = await catalog.commit('flights', {
    requirements: [{ type: 'assert-table-uuid', uuid }],
    updates: [
      { action: 'add-snapshot', snapshot: { ...snapshot, 'sequence-number': lastSequenceNumber + 1 } },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
    ],
  })
  expect(refused).toBeUndefined()
  const table = catalog.tables.get('flights')!
  if (expire) table.snapshots = table.snapshots.filter(one => one['snapshot-id'] === id)
}

async function pointerOf({ items }: { items: ItemStore }, topic: Topic) {
  return decodeArchive((await items.get({ pk: 'archives', sk: topic.id }))!.value)
}

test('records become rows of a table in the catalog, once each, and nothing is in the folder', async () => {
  const rig = await openBeforeCommit()
  const { catalog, topic, files } = rig
  expect((await rig.archive(rig)).findings).toEqual([
    { job: 'archive', what: 'flights', why: 'archived: 3 records in 1 files' },
  ])
  expect(await rig.placesOf()).toEqual(ALL)
  const { metadata } = await readCatalogTable(catalog, 'flights')
  expect(metadata.snapshots).toHaveLength(2)
  expect(metadata.current?.summary).toMatchObject({ 'total-records': '5', 'total-data-files': '2' })
  expect(archivedOffsets(metadata)).toEqual([4, 1])
  expect(await pointerOf(rig, topic)).toMatchObject({ table: 'flights', offsets: [4, 1], edition: 0 })
  expect(await neededByArchive(rig, topic)).toEqual([4, 1])
  expect(files.stored.size).toBe(0)
  const before = structuredClone(catalog.tables)
  expect(await rig.archive(rig)).toMatchObject({ complete: true, findings: [] })
  expect(catalog.tables).toEqual(before)
})

test('columns of JSON values come and go with the config, under ids of their own', async () => {
  const rig = await openRig({ 'varve.archive.schema': 'origin:string' })
  const { log, topic, catalog } = rig
  await append(log, topic, [{ text: '{"origin":"SFO","delay":3}' }])
  await rig.archive(rig)
  const wider = { 'varve.archive.schema': 'origin:string,delay:long' }
  await log.topics.changeConfigs(topic.name, configs => ({ ...configs, ...wider }))
  await append(log, topic, [{ text: '{"origin":"JFK","delay":4}' }])
  await rig.archive(rig)
  const { rows, metadata } = await readCatalogTable(catalog, 'flights')
  expect(rows.map(({ origin, delay }) => [origin, delay])).toEqual([
    ['SFO', undefined],
    ['JFK', 4n],
  ])
  const current = metadata.schemas.find(one => one['schema-id'] === metadata.currentSchemaId)
  expect(current?.fields.slice(6).map(({ id, name }) => [id, name])).toEqual([
    [100, 'origin'],
    [101, 'delay'],
  ])
})

describe('names', () => {
  test('a table of that name that is another topic’s is left alone', async () => {
    const rig = await openBeforeCommit()
    await rig.log.topics.delete('flights')
    const topic = await rig.create('flights')
    await append(rig.log, topic, [{ text: 'z' }])
    await rig.archive(rig)
    expect([...rig.catalog.tables.keys()]).toEqual(['flights', `flights_${topic.id}`])
    expect((await readCatalogTable(rig.catalog, `flights_${topic.id}`)).rows).toHaveLength(1)
    expect(await rig.placesOf()).toHaveLength(2)
  })

  test('they are what S3 Tables takes', async () => {
    const rig = await openRig()
    const topic = await rig.create('..Flights-of.2001_')
    await append(rig.log, topic, [{ text: 'z' }])
    await rig.archive(rig)
    expect([...rig.catalog.tables.keys()]).toEqual(['flights_of_2001_'])
  })

  test('a table that is gone is missed, not made again', async () => {
    const rig = await openBeforeCommit()
    rig.catalog.tables.clear()
    expect((await rig.archive(rig)).failed[0]?.error).toMatch(/restore it/)
    expect(rig.catalog.tables.size).toBe(0)
  })

  test('one that is archived in a catalog is not archived into the folder, nor the other way round', async () => {
    const rig = await openBeforeCommit()
    expect((await rig.archive()).failed[0]?.error).toMatch(/--archive-catalog/)
    expect(rig.files.stored.size).toBe(0)
    const topic = await rig.create('in-folder')
    await append(rig.log, topic, [{ text: 'z' }])
    await rig.archive()
    await append(rig.log, topic, [{ text: 'y' }])
    await rig.archive(rig)
    expect((await rig.readTable(topic)).rows).toHaveLength(2)
    expect([...rig.catalog.tables.keys()]).toEqual(['flights'])
  })
})

describe('others commit in between', () => {
  test('their snapshot is followed, whatever its id', async () => {
    const rig = await openBeforeCommit()
    await commitAsOther(rig.catalog, 9_007_199_254_740_993n)
    await rig.archive(rig)
    expect(await rig.placesOf()).toEqual(ALL)
    const { metadata } = await readCatalogTable(rig.catalog, 'flights')
    expect(metadata.current?.['parent-snapshot-id']).toBe(9_007_199_254_740_993n)
  })

  test('between look and commit: the same files follow their snapshot', async () => {
    const rig = await openBeforeCommit()
    let others = 2
    const catalog: TableCatalog = {
      ...rig.catalog,
      commit: async (name, change) => {
        if (others-- > 0) await commitAsOther(rig.catalog, 9_007_199_254_740_993n + BigInt(others))
        return rig.catalog.commit(name, change)
      },
    }
    const before = rig.catalog.files.stored.size
    expect((await rig.archive({ catalog })).findings).toHaveLength(1)
    expect(await rig.placesOf()).toEqual(ALL)
    const added = [...rig.catalog.files.stored.keys()].slice(before).filter(name => name.includes('/data/'))
    expect(added).toHaveLength(1)
  })

  test('and expire all snapshots of ours: the table’s property says where to go on', async () => {
    const rig = await openBeforeCommit()
    await commitAsOther(rig.catalog, 77n, { expire: true })
    await rig.items.write([
      {
        kind: 'delete',
        key: { pk: 'archives', sk: rig.topic.id },
        expected: (await rig.items.get({ pk: 'archives', sk: rig.topic.id }))!.version,
      },
    ])
    await rig.archive(rig)
    expect(await rig.placesOf()).toEqual(ALL)
  })

  test('again and again: the pass says so, and the next one archives', async () => {
    const rig = await openBeforeCommit()
    let others = 100n
    const commit: TableCatalog['commit'] = async (name, change) => {
      await commitAsOther(rig.catalog, others++)
      return rig.catalog.commit(name, change)
    }
    expect((await rig.archive({ catalog: { ...rig.catalog, commit } })).failed[0]?.error).toMatch(/another snapshot/)
    await rig.archive(rig)
    expect(await rig.placesOf()).toEqual(ALL)
  })
})

describe('answers of the catalog', () => {
  const lost = () => new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')

  test.each(['done', 'done, and refused when it came twice'])(
    '%s, but lost: archived once, and known to be',
    async how => {
      const rig = await openBeforeCommit()
      const commit: TableCatalog['commit'] = async (name, change) => {
        await rig.catalog.commit(name, change)
        if (how === 'done') throw lost()
        return rig.catalog.commit(name, change)
      }
      expect((await rig.archive({ catalog: { ...rig.catalog, commit } })).findings).toHaveLength(1)
      expect(await pointerOf(rig, rig.topic)).toMatchObject({ offsets: [4, 1] })
      await rig.archive(rig)
      expect(await rig.placesOf()).toEqual(ALL)
    },
  )

  test.each([
    ['before the next attempt loads the table', 'load'],
    ['after the next attempt has loaded it', 'commit'],
    ['after the next attempt has committed', 'never'],
  ] as const)('a commit that comes late, %s, is in the table once or not at all', async (_, when) => {
    const rig = await openBeforeCommit()
    const late: (() => Promise<unknown>)[] = []
    const commit: TableCatalog['commit'] = async (name, change) => {
      late.push(() => rig.catalog.commit(name, change))
      throw lost()
    }
    expect((await rig.archive({ catalog: { ...rig.catalog, commit } })).failed).toHaveLength(1)
    expect(await rig.placesOf()).toHaveLength(2)
    const comesLate = async () => {
      for (const one of late.splice(0)) await one()
    }
    const next: TableCatalog = {
      ...rig.catalog,
      load: async name => {
        if (when === 'load') await comesLate()
        return rig.catalog.load(name)
      },
      commit: async (name, change) => {
        if (when === 'commit') await comesLate()
        return rig.catalog.commit(name, change)
      },
    }
    await rig.archive({ catalog: next })
    await comesLate()
    await append(rig.log, rig.topic, [{ text: 'f' }])
    await rig.archive(rig)
    expect(await rig.placesOf()).toEqual([...ALL.slice(0, 4), '0@4', '1@0'])
  })

  test('while it is down records stay, and are archived when it is back', async () => {
    const rig = await openBeforeCommit()
    const load = async () => {
      throw lost()
    }
    expect((await rig.archive({ catalog: { ...rig.catalog, load } })).failed).toHaveLength(1)
    expect(await neededByArchive(rig, rig.topic)).toEqual([2, 0])
    await rig.archive(rig)
    expect(await rig.placesOf()).toEqual(ALL)
  })
})

/** A process that stops: at its `at`th change of a store or of the catalog, before it or right after it. */
function dying({ items, catalog }: { items: ItemStore; catalog: MemoryCatalog }, at: number, when: 'before' | 'after') {
  let changes = 0
  const dead = () => new StoreError('STORE_REFUSED', 'this process is dead')
  const step = async <T>(change: () => Promise<T>): Promise<T> => {
    const number = ++changes
    if (number > at || (number === at && when === 'before')) throw dead()
    const done = await change()
    if (number === at) throw dead()
    return done
  }
  const alive = <T>(read: () => Promise<T>): Promise<T> => (changes < at ? read() : Promise.reject(dead()))
  return {
    changes: () => changes,
    items: { ...items, write: operations => step(() => items.write(operations)) } satisfies ItemStore,
    catalog: {
      ...catalog,
      load: name => alive(() => catalog.load(name)),
      create: (name, shape) => step(() => catalog.create(name, shape)),
      commit: (name, change) => step(() => catalog.commit(name, change)),
      filesAt: location => {
        const files = catalog.filesAt(location)
        return { ...files, put: (name, parts) => step(() => files.put(name, parts)) }
      },
    } satisfies TableCatalog,
  }
}

describe.each(['before', 'after'] as const)('a process that stops %s', when => {
  test.each(Array.from({ length: 9 }, (_, i) => i + 1))(
    'change %i of a first commit leaves neither gap nor duplicate',
    async at => {
      const rig = await openRig()
      await append(rig.log, rig.topic, [{ text: 'a' }, { text: 'b' }])
      const stores = dying(rig, at, when)
      await rig.archive(stores)
      await append(rig.log, rig.topic, [{ text: 'c' }], 1)
      await rig.archive(rig)
      expect(await rig.placesOf()).toEqual(['0@0', '0@1', '1@0'])
      expect(await pointerOf(rig, rig.topic)).toMatchObject({ table: 'flights', offsets: [2, 1] })
    },
  )
})

test('a first commit has some steps', async () => {
  const rig = await openRig()
  await append(rig.log, rig.topic, [{ text: 'a' }])
  const stores = dying(rig, Number.POSITIVE_INFINITY, 'before')
  await rig.archive(stores)
  // Table, pointer, data file, manifest, list, commit, pointer.
  expect(stores.changes()).toBe(7)
})

test('of several that archive at the same time all records are there once', async () => {
  const rig = await openBeforeCommit()
  await Promise.all([rig.archive(rig), rig.archive(rig), rig.archive(rig)])
  await rig.archive(rig)
  expect(await rig.placesOf()).toEqual(ALL)
})

test('a table whose rows others deleted is not queried as if they were there', async () => {
  const rig = await openBeforeCommit()
  const { metadata } = await readCatalogTable(rig.catalog, 'flights')
  const files = rig.catalog.filesAt(metadata.location)
  const name = metadata.current!['manifest-list'].slice(files.uri('').length)
  await files.put(name, [deletesList()])
  await expect(readCatalogTable(rig.catalog, 'flights')).rejects.toThrow(/deleted rows/)
})

/** As a v2 writer of other fields has it. */
function deletesList(): Uint8Array {
  const field = (name: string, type: string) => ({ name, type })
  const schema = {
    type: 'record' as const,
    name: 'manifest_file',
    fields: [
      field('manifest_path', 'string'),
      field('manifest_length', 'long'),
      field('added_snapshot_id', 'long'),
      field('content', 'int'),
    ],
  }
  return encodeAvroFile(schema, {}, [
    {
      manifest_path: 'memory:/archives/flights/metadata/x.avro',
      manifest_length: 1,
      added_snapshot_id: 9_007_199_254_740_993n,
      content: 1,
    },
  ])
}
