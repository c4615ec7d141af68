/**
 * `npm run bench:replay`: how fast a log that was compacted long ago is read from its beginning, beside the raw rate of the store
 * that it lies in: the same objects, read by as many parallel ranges of the same length, through the same adapter.
 *
 *   --megabytes 512     size of the topic, in 8 partitions
 *   --rounds 3          of each; the report has their medians
 *   --stores files,cold-files,s3
 *                       files: in the system's memory, so the raw rate is that of copying; cold-files: what a replay of old records meets, the
 *                       system's memory is made to forget them before each run; s3: versitygw (test/support/build-tools.sh)
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { Allocation, BytesPool, Loans, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type Log, openLog, type Topic } from '../../lib/log/index.ts'
import { buildBatch, viewBatch } from '../../lib/records/index.ts'
import { type ItemStore, meterObjects, type ObjectStore, StoreMeter } from '../../lib/storage/index.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { addressOf, type ObjectsAddress, openItems, openObjects } from '../support/store-address.ts'
import { median } from './measurement.ts'
import { chooseFrom, positive, readOrExplain } from './options.ts'

const MIB = 1_024 * 1_024
const PARTITIONS = 8
const RECORD_BYTES = 1_024
const BATCH_BYTES = MIB / 2
/** What a Fetch asks for of a partition by default. */
const READ_BYTES = MIB
/** As the reader of extents has them (lib/log/read). */
const RAW_RANGE_BYTES = MIB / 2
const RAW_PARALLEL = 16
const COMPACTION = { dueMs: 0, bytesPerSecondMax: Number.MAX_SAFE_INTEGER }

interface Run {
  readonly name: string
  readonly megabytesPerSecond: number
  readonly gets: number
  readonly peakMib: number
}

const storeNames = ['files', 'cold-files', 's3'] as const
type StoreName = (typeof storeNames)[number]
const usage = `npm run bench:replay -- [--megabytes 512] [--rounds 3] [--stores ${storeNames.join(',')}]`

interface Options {
  readonly megabytes: number
  readonly rounds: number
  readonly stores: readonly StoreName[]
}

/** Undefined: only the usage was asked for. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      megabytes: { type: 'string', default: '512' },
      rounds: { type: 'string', default: '3' },
      stores: { type: 'string', default: storeNames.join(',') },
    },
  })
  if (values.help) return undefined
  return {
    megabytes: positive('--megabytes', values.megabytes),
    rounds: positive('--rounds', values.rounds),
    stores: chooseFrom('--stores', values.stores, storeNames),
  }
}

async function main(): Promise<void> {
  const options = readOrExplain(usage, readOptions)
  for (const store of options?.stores ?? []) {
    const folder = await mkdtemp(join(tmpdir(), 'varve-replay-'))
    const measure = async (address: ObjectsAddress, forget?: () => Promise<void>) =>
      report(store, await measureStore(address, { ...options!, folder, forget }))
    const objects = join(folder, 'objects')
    try {
      if (store === 'files') await measure({ kind: 'files', folder: objects })
      else if (store === 'cold-files') await measure({ kind: 'files', folder: objects }, () => forgetFiles(objects))
      else if (s3Server.missing) console.log(`s3: left out, ${s3Server.missing}`)
      else await withS3(measure)
    } finally {
      await rm(folder, { recursive: true })
    }
  }
}

interface StoreRun extends Options {
  readonly folder: string
  /** Makes the next run read from the store itself. */
  readonly forget: (() => Promise<void>) | undefined
}

async function measureStore(address: ObjectsAddress, { folder, forget, megabytes, rounds }: StoreRun): Promise<Run[]> {
  const meter = new StoreMeter()
  const bare = await openObjects(address)
  const objects = meterObjects(bare, meter)
  const items = await openItems({ kind: 'lmdb', folder: join(folder, 'items') })
  const topic = await fill(objects, items, megabytes)
  const runs: Run[] = []
  const measure = async (name: string, read: () => Promise<number>) => {
    await forget?.()
    const gets = meter.usage().objects.get
    let peak = 0
    const watching = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }, 20)
    const began = performance.now()
    const bytes = await read()
    const seconds = (performance.now() - began) / 1_000
    clearInterval(watching)
    const count = meter.usage().objects.get - gets
    runs.push({ name, megabytesPerSecond: bytes / MIB / seconds, gets: count, peakMib: peak / MIB })
  }
  for (let round = 0; round < rounds; round++) {
    await measure('raw', () => readRaw(objects))
    await measure('one partition after the other', () => replay(objects, items, topic, 1))
    await measure('all partitions at once', () => replay(objects, items, topic, PARTITIONS))
  }
  await items.close()
  await bare.close()
  return runs
}

/** dd of GNU coreutils tells the system to drop a file's pages (posix_fadvise). */
async function forgetFiles(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    await promisify(execFile)('dd', [`if=${join(entry.parentPath, entry.name)}`, 'iflag=nocache', 'count=0'])
  }
}

async function withS3(use: (address: ObjectsAddress) => Promise<void>): Promise<void> {
  const server = await startS3Server()
  try {
    await use({ kind: 's3', server: addressOf(server), bucket: 'varve' })
  } finally {
    await server.stop()
  }
}

function open(objects: ObjectStore, items: ItemStore): Log {
  const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger }
  return openLog({ objects, items, ...surroundings, flushBudget: Number.POSITIVE_INFINITY, compaction: COMPACTION })
}

/** A topic of nothing but extents. */
async function fill(objects: ObjectStore, items: ItemStore, megabytes: number): Promise<Topic> {
  const log = open(objects, items)
  const topic = await log.topics.create({ name: 'replayed', partitions: PARTITIONS })
  const records = Array.from({ length: BATCH_BYTES / RECORD_BYTES }, () => {
    return { timestamp: Date.now(), key: null, value: systemRandom.bytes(RECORD_BYTES), headers: [] }
  })
  const rounds = Math.ceil((megabytes * MIB) / BATCH_BYTES / PARTITIONS)
  for (let i = 0; i < rounds; i++) {
    await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) =>
        log.append({ topic, partition, batch: buildBatch({ records }), timeoutMs: 30_000 }),
      ),
    )
  }
  for (;;) {
    const { commits, replaced } = await log.compaction.compactShard(topic, 0)
    if (commits === 0 && replaced === 0) break
  }
  await log.close()
  return topic
}

/** All extents, whole, also those that were merged into others. */
async function readRaw(objects: ObjectStore): Promise<number> {
  const ranges: { key: string; from: number; length: number }[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await objects.list('topics/', cursor === undefined ? {} : { cursor })
    for (const { key, size } of page.objects) {
      for (let from = 0; from < size; from += RAW_RANGE_BYTES)
        ranges.push({ key, from, length: Math.min(RAW_RANGE_BYTES, size - from) })
    }
    cursor = page.cursor
    if (cursor === undefined) break
  }
  let bytes = 0
  // Memory that is used again, as the reader of extents has it: else this would be about the collector.
  const pool = new BytesPool({ idleBytesMax: RAW_PARALLEL * RAW_RANGE_BYTES, bytesMin: 1 })
  const rest = ranges.values()
  const readOn = async () => {
    for (const { key, from, length } of rest) {
      const allocation = new Allocation(pool)
      const range = (await objects.get(key, { from, length }, allocation.allocate))!
      bytes += range.length
      allocation.holding(range)?.release()
    }
  }
  await Promise.all(Array.from({ length: RAW_PARALLEL }, readOn))
  return bytes
}

/** With a process's caches empty; each batch is looked at as far as its header, as who sends it on does. */
async function replay(objects: ObjectStore, items: ItemStore, topic: Topic, atOnce: number): Promise<number> {
  const log = open(objects, items)
  let bytes = 0
  const readPartition = async (partition: number) => {
    for (let offset = 0; ; ) {
      const loans = new Loans()
      const asked = { maxBytes: READ_BYTES, atLeastOneBatch: true, isolation: 'read_committed', loans } as const
      const { batches } = await log.read({ topic, partition, offset, ...asked })
      if (batches.length === 0) return
      for (const batch of batches) bytes += batch.length
      const last = viewBatch(batches.at(-1)!)
      offset = last.baseOffset + last.lastOffsetDelta + 1
      loans.giveBack()
    }
  }
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition).values()
  const readOn = async () => {
    for (const partition of partitions) await readPartition(partition)
  }
  await Promise.all(Array.from({ length: atOnce }, readOn))
  await log.close()
  return bytes
}

function report(store: string, runs: readonly Run[]): void {
  const of = (name: string, figure: (run: Run) => number) => median(runs.filter(run => run.name === name).map(figure))
  const raw = of('raw', run => run.megabytesPerSecond)
  console.log(`\n${store}`)
  console.log(`  ${''.padEnd(32)}MB/s   of raw     gets  peak MiB`)
  for (const name of new Set(runs.map(run => run.name))) {
    const rate = of(name, run => run.megabytesPerSecond)
    const [gets, peak] = [of(name, run => run.gets), of(name, run => run.peakMib)]
    console.log(
      `  ${name.padEnd(30)}${rate.toFixed(0).padStart(6)}${`${((100 * rate) / raw).toFixed(0)} %`.padStart(9)}${String(gets).padStart(9)}${peak.toFixed(0).padStart(10)}`,
    )
  }
}

await main()
