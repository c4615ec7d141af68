import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type Log, openLog, readPage, type Topic } from '../../lib/log/index.ts'
import { buildBatch } from '../../lib/records/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'
import { append, START } from '../archive/rig.ts'
import { runCli } from '../support/cli.ts'

let folder: string
let source: string
let backup: string

async function withLog<T>(data: string, work: (log: Log) => Promise<T>): Promise<T> {
  const objects = await openFileObjects({ folder: data, random: systemRandom })
  const items = await openLmdbItems({ folder: join(data, 'items'), clock: systemClock, random: systemRandom })
  const parts = { objects, items, clock: systemClock, random: systemRandom, logger: silentLogger }
  const compaction = { dueMs: 0, dueBytes: 1 }
  const log = openLog({ ...parts, flushBudget: Number.POSITIVE_INFINITY, itemSegmentBytesMax: 500, compaction })
  try {
    return await work(log)
  } finally {
    await log.close()
    await objects.close()
    await items.close()
  }
}

/** Three partitions: with holes of a compacted topic, an aborted transaction and deleted records; one wholly deleted; one empty. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-backup-'))
  source = join(folder, 'source')
  backup = join(folder, 'backup')
  await withLog(source, async log => {
    const configs = { 'cleanup.policy': 'compact,delete', 'min.cleanable.dirty.ratio': '0', 'retention.ms': '-1' }
    const topic = await log.topics.create({ name: 'orders', partitions: 3, configs })
    for (let i = 0; i < 30; i++) {
      const headers = i % 3 === 0 ? [{ key: 'n', value: Buffer.from([i, 255]) }] : []
      await append(log, topic, [
        { key: Buffer.from(`k${i % 7}`), text: `${i}`.padEnd(i * 40, 'x'), headers, timestamp: START + i },
      ])
    }
    const aborted = { timestamp: START, key: Buffer.from('k1'), value: Buffer.from('aborted') }
    const producer = { producerId: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true }
    const batch = buildBatch({ records: [aborted], ...producer })
    await log.append({ topic, partition: 0, batch, transaction: 1, timeoutMs: 5_000 })
    const marker = { topic, partition: 0, producerId: 9, producerEpoch: 0, transaction: 1, timeoutMs: 5_000 } as const
    await log.endTransaction({ ...marker, outcome: 'abort' })
    await log.compaction.compactShard(topic, 0)
    await append(log, topic, [{ key: Buffer.from('later'), text: 'live' }])
    await log.deleteRecords({ topic, partition: 0, before: 3, timeoutMs: 5_000 })
    await append(log, topic, [{ key: Buffer.from('k'), text: 'gone' }], 1)
    await log.deleteRecords({ topic, partition: 1, before: 'end', timeoutMs: 5_000 })
  })
  const { code, stdout, stderr } = await runCli(['export', 'orders', backup, '--data', source])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^exported \d+ records of orders, 0\.0 MiB\n$/)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** All that a consumer of committed records sees, and where the partitions begin and end. */
async function contentsOf(log: Log, name: string) {
  const topic = (await log.topics.find({ name })) as Topic
  const stands = await log.standings(topic)
  const records: unknown[] = []
  for (const [partition, { start }] of stands.entries()) {
    for (let offset = start; ; ) {
      const limits = { recordsMax: 1_000, bytesMax: 1_000_000, isolation: 'read_committed' } as const
      const page = await readPage(log, { topic, partition, offset, ...limits })
      for (const { key, value, headers, ...record } of page.records) {
        const hex = (bytes: Buffer | null) => bytes?.toString('hex') ?? null
        const pairs = headers.map(header => [header.key, hex(header.value)])
        records.push({ partition, ...record, key: hex(key), value: hex(value), headers: pairs })
      }
      if (page.nextOffset === offset) break
      offset = page.nextOffset
    }
  }
  return { configs: topic.configs, places: stands.map(({ start, stable }) => ({ start, end: stable })), records }
}

async function expectSame(data: string, name = 'orders'): Promise<void> {
  const before = await withLog(source, log => contentsOf(log, 'orders'))
  expect(before.records.length).toBeGreaterThan(5)
  expect(before.records.length).toBeLessThan(30)
  expect(await withLog(data, log => contentsOf(log, name))).toEqual(before)
  const check = await runCli(['check', '--data', data])
  expect(check).toMatchObject({ code: 0, stderr: '' })
}

test('a consumer finds after an import what it found before the export, byte for byte, and appends go on', async () => {
  const target = join(folder, 'target')
  expect(await runCli(['import', backup, '--data', target])).toMatchObject({ code: 0, stderr: '' })
  await expectSame(target)
  await withLog(target, async log => {
    const topic = (await log.topics.find({ name: 'orders' }))!
    expect((await append(log, topic, [{ key: Buffer.from('k'), text: 'after' }], 1)).baseOffset).toBe(1)
    expect((await log.topics.list()).map(({ name }) => name)).toEqual(['orders'])
  })
  const again = await runCli(['import', backup, '--data', target])
  expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/There is a topic orders already.*--topic/) })
  const beside = await runCli(['import', backup, '--topic', 'copy', '--config', 'retention.ms=5000', '--data', target])
  expect(beside.stdout).toMatch(/^imported \d+ records to copy\n$/)
  await withLog(target, async log => {
    expect((await log.topics.find({ name: 'copy' }))?.configs).toMatchObject({ 'retention.ms': '5000' })
  })
})

test('a damaged export makes no topic, and one that is mended goes on where it stopped', async () => {
  const target = join(folder, 'mended')
  const damaged = join(folder, 'damaged')
  await cp(backup, damaged, { recursive: true })
  const file = join(damaged, 'partition-00000.batches')
  const bytes = await readFile(file)
  bytes[bytes.length - 1]! ^= 1
  await writeFile(file, bytes)
  const refused = await runCli(['import', damaged, '--data', target])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/partition-00000.batches is damaged/) })
  await withLog(target, async log => expect(await log.topics.find({ name: 'orders' })).toBeUndefined())
  await cp(join(backup, 'partition-00000.batches'), file)
  await writeFile(join(damaged, 'partition-00001.batches'), 'x')
  expect((await runCli(['import', damaged, '--data', target])).stderr).toMatch(/partition-00001.batches is damaged/)
  await withLog(target, async log => expect(await log.topics.find({ name: 'orders' })).toBeUndefined())
  await cp(join(backup, 'partition-00001.batches'), join(damaged, 'partition-00001.batches'))
  expect(await runCli(['import', damaged, '--data', target])).toMatchObject({ code: 0, stderr: '' })
  await expectSame(target)
})

test('what cannot be is told in a sentence, and leaves nothing', async () => {
  const taken = await runCli(['export', 'orders', backup, '--data', source])
  expect([taken.code, taken.stderr]).toEqual([1, `${backup} is not empty: name a folder that is not there yet.\n`])
  const missing = await runCli(['export', 'nothing', join(folder, 'none'), '--data', source])
  expect([missing.code, missing.stderr]).toEqual([1, 'There is no topic nothing: see `varve topics list`.\n'])
  const nowhere = await runCli(['import', join(folder, 'none'), '--data', source])
  expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/holds no whole export .*ENOENT/)])
  expect((await readdir(folder)).filter(name => name.includes('none') || name.includes('partial'))).toEqual([])
})
