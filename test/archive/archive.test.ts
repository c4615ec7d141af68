import { expect, test } from 'vitest'
import { neededByArchive } from '../../lib/archive/index.ts'
import type { Topic } from '../../lib/log/index.ts'
import { send } from '../log/rig.ts'
import { append, DAY, openArchiveRig, type Row, START } from './rig.ts'

test('records become rows of the table, byte for byte, in files by day', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  const topic = await create('flights', {}, 2)
  const odd = Buffer.from([0, 255, 128, 10])
  await append(log, topic, [
    {
      key: odd,
      value: Buffer.alloc(0),
      headers: [
        { key: 'a', value: odd },
        { key: 'a', value: null },
      ],
    },
    { text: 'next day', timestamp: START + DAY },
    { text: 'no time', timestamp: -1 },
  ])
  await append(log, topic, [{ text: 'other', timestamp: START + 1 }], 1)
  expect((await archive()).findings).toEqual([
    { job: 'archive', what: 'flights', why: 'archived: 4 records in 3 files' },
  ])
  const { rows, metadata } = await readTable(topic)
  expect(rows).toEqual([
    {
      partition: 0,
      offset: 0n,
      timestamp: new Date(START),
      key: new Uint8Array(odd),
      value: new Uint8Array(0),
      headers: [
        { key: 'a', value: new Uint8Array(odd) },
        { key: 'a', value: null },
      ],
    },
    expect.objectContaining({ partition: 0, offset: 1n, timestamp: new Date(START + DAY), key: null, headers: [] }),
    expect.objectContaining({ partition: 0, offset: 2n, timestamp: null }),
    expect.objectContaining({ partition: 1, offset: 0n, timestamp: new Date(START + 1) }),
  ])
  expect(metadata.snapshots[0]?.summary).toMatchObject({ 'total-records': '4', 'varve.next-offsets': '[3,1]' })
})

test('nothing new: nothing is written; new records: a commit with those alone', async () => {
  const { log, items, files, create, archive, readTable } = openArchiveRig()
  const topic = await create()
  await append(log, topic, [{ text: 'a' }])
  await archive()
  const before = { files: new Map(files.stored), items: new Map(items.items) }
  expect(await archive()).toMatchObject({ complete: true, findings: [] })
  expect({ files: files.stored, items: items.items }).toEqual(before)
  await append(log, topic, [{ text: 'b' }, { text: 'c' }])
  await archive()
  const { rows, hint, metadata } = await readTable(topic)
  expect(textsOf(rows)).toEqual(['a', 'b', 'c'])
  expect(hint).toBe(2)
  expect(metadata.snapshots.map(({ summary }) => summary['added-records'])).toEqual(['1', '2'])
})

test('records wait for the lag, and a dry run tells and writes nothing', async () => {
  const { log, clock, files, create, archive, readTable } = openArchiveRig()
  const topic = await create('flights', { 'varve.archive.lag.ms': '3600000' })
  await append(log, topic, [{ text: 'a', timestamp: clock.now() }])
  expect((await archive()).findings).toEqual([])
  clock.jump(3_600_000)
  expect((await archive({ dry: true })).findings).toHaveLength(1)
  expect(files.stored.size).toBe(0)
  await archive()
  expect((await readTable(topic)).rows).toHaveLength(1)
})

test('a topic that is not to be archived is not, and one that is no more goes on where it was', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  const topic = await create()
  await append(log, topic, [{ text: 'a' }])
  await archive()
  const set = (archive: string) =>
    log.topics.changeConfigs('flights', configs => ({ ...configs, 'varve.archive': archive }))
  await set('none')
  await append(log, topic, [{ text: 'b' }])
  await archive()
  expect(textsOf((await readTable(topic)).rows)).toEqual(['a'])
  await set('iceberg')
  await archive()
  expect(textsOf((await readTable(topic)).rows)).toEqual(['a', 'b'])
})

test('aborted and open transactions are left out, and what is committed later comes once', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  const topic = await create()
  const transact = (producerId: number, value: string) =>
    send(log, topic, [value], { producerId, transaction: 1, baseSequence: 0 })
  const end = (producerId: number, outcome: 'commit' | 'abort') =>
    log.endTransaction({ topic, partition: 0, producerId, producerEpoch: 0, transaction: 1, outcome, timeoutMs: 5_000 })
  await transact(1, 'aborted')
  await transact(2, 'committed')
  await append(log, topic, [{ text: 'plain' }])
  await end(1, 'abort')
  await archive()
  await end(2, 'commit')
  await archive()
  expect(textsOf((await readTable(topic)).rows)).toEqual(['committed', 'plain'])
})

test('a commit that is full is followed by another, in files as large as they may be', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  const topic = await create('flights', {}, 3)
  const expected: string[] = []
  for (let partition = 0; partition < 3; partition++) {
    for (let i = 0; i < 20; i++) {
      await append(
        log,
        topic,
        [{ text: `${partition}/${i} ${'x'.repeat(1_000)}`, timestamp: START + (i % 4) * DAY - 3 * DAY }],
        partition,
      )
      expected.push(`${partition}/${i} ${'x'.repeat(1_000)}`)
    }
  }
  await archive({ limits: { commitBytes: 4_000, fileBytes: 3_000, memoryBytes: 5_000 } })
  const { rows, metadata, names } = await readTable(topic)
  expect(textsOf(rows)).toEqual(expected)
  expect(metadata.snapshots.length).toBeGreaterThan(1)
  expect(new Set(names).size).toBe(names.length)
})

test('manifests are merged, old snapshots expire, and nothing is left that nobody needs', async () => {
  const { log, files, create, archive, readTable } = openArchiveRig()
  const topic = await create()
  const expected: string[] = []
  for (let i = 0; i < 60; i++) {
    await append(log, topic, [{ text: `${i}` }])
    expected.push(`${i}`)
    await archive({ limits: { mergeCount: 5, mergedFiles: 12 } })
  }
  const { rows, metadata, manifests } = await readTable(topic)
  expect(textsOf(rows)).toEqual(expected)
  expect(metadata.snapshots).toHaveLength(24)
  expect(metadata['metadata-log'].length).toBeLessThan(24)
  for (const { 'metadata-file': file } of metadata['metadata-log']) {
    expect(files.stored.has(file.slice('memory:/archives/'.length))).toBe(true)
  }
  expect(manifests.length).toBeLessThan(12)
  const counts = { data: 60, lists: 24, published: 24, hint: 1 }
  const of = (form: RegExp) => [...files.stored.keys()].filter(name => form.test(name)).length
  expect(of(/\/data\//)).toBe(counts.data)
  // One more of each is what the next commit takes away.
  expect(of(/-list\.avro$/)).toBeLessThanOrEqual(counts.lists + 1)
  expect(of(/\/v\d+\.metadata\.json$/)).toBeLessThanOrEqual(counts.published + 1)
  expect(of(/\/[0-9a-f]{26}\.metadata\.json$/)).toBeLessThanOrEqual(2)
  expect(of(/-(added|merged)\.avro$/)).toBeLessThan(70)
})

test('the archive of a deleted topic stays, without a pointer; a new topic of the name has a table of its own', async () => {
  const { log, items, create, archive, readTable } = openArchiveRig()
  const first = await create()
  await append(log, first, [{ text: 'old' }])
  await archive()
  await log.topics.delete('flights')
  const second = await create()
  await append(log, second, [{ text: 'new' }])
  await archive()
  expect(textsOf((await readTable(first)).rows)).toEqual(['old'])
  expect(textsOf((await readTable(second)).rows)).toEqual(['new'])
  expect([...items.items.values()].filter(({ key }) => key.pk === 'archives').map(({ key }) => key.sk)).toEqual([
    second.id,
  ])
})

test('retention waits for the archive, and for no topic without one', async () => {
  const { log, items, create, archive, readTable } = openArchiveRig()
  const topic = await create('flights', { 'retention.bytes': '0' }, 2)
  const other = await create('other', { 'retention.bytes': '0', 'varve.archive': 'none' })
  const jobs = log
    .upkeepJobs({}, { neededFrom: one => neededByArchive({ items }, one) })
    .filter(({ name }) => name === 'retain')
  const starts = async (of: Topic) => (await log.standings(of)).map(({ start }) => start)
  await append(log, topic, [{ text: 'a' }, { text: 'b' }])
  await append(log, other, [{ text: 'o' }])
  await archive({ jobs })
  expect([await starts(topic), await starts(other)]).toEqual([[0, 0], [1]])
  await archive()
  await append(log, topic, [{ text: 'c' }])
  await append(log, topic, [{ text: 'd' }], 1)
  await archive({ jobs })
  // What came after the archive's last look stays.
  expect(await starts(topic)).toEqual([2, 0])
  await archive()
  await archive({ jobs })
  expect(await starts(topic)).toEqual([3, 1])
  expect(textsOf((await readTable(topic)).rows)).toEqual(['a', 'b', 'c', 'd'])
})

test('partitions that are added later are archived from their beginning', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  await append(log, await create(), [{ text: 'a' }])
  await archive()
  const grown = await log.topics.addPartitions('flights', 2)
  await append(log, grown, [{ text: 'b' }], 1)
  await archive()
  expect(textsOf((await readTable(grown)).rows)).toEqual(['a', 'b'])
})

test('what was deleted before it was archived is left out, and the rest goes on', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  const topic = await create()
  await append(log, topic, [{ text: 'a' }])
  await archive()
  await append(log, topic, [{ text: 'b' }])
  await append(log, topic, [{ text: 'c' }])
  await log.deleteRecords({ topic, partition: 0, before: 2, timeoutMs: 5_000 })
  await archive()
  expect((await readTable(topic)).rows.map(({ offset }) => offset)).toEqual([0n, 2n])
})

function textsOf(rows: readonly Row[]): string[] {
  return rows.map(({ value }) => String(value && Buffer.from(value)))
}
