/** Writes a topic's committed records to plain files, batch by batch as they are stored. */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { silentLogger, systemClock } from '../base/index.ts'
import { type Log, LogError, type PartitionStand, type Topic, visibleBatches } from '../log/index.ts'
import {
  BackupError,
  type BackupManifest,
  type BackupPartition,
  encodeManifest,
  MANIFEST,
  partitionFile,
} from './backup-format.ts'
import type { Config } from './config.ts'
import { withLog } from './with-log.ts'

export interface BackupProgress {
  readonly records: number
  readonly bytes: number
  /** Of all that is to be done; about, where it is not known exactly. */
  readonly totalBytes: number
}

const READ_BYTES = 4 * 1_024 * 1_024

/**
 * The topic as of now becomes files in `folder`, which must not be there, or be empty; it is there as a whole or not at all.
 * Servers may run. @throws BackupError, ConfigError, StoreError, CorruptDataError
 */
export async function exportTopic(
  config: Pick<Config, 'objects' | 'items'>,
  {
    name,
    folder,
    onProgress,
  }: { readonly name: string; readonly folder: string; readonly onProgress: (progress: BackupProgress) => void },
): Promise<BackupManifest> {
  const target = resolve(folder)
  await refuseTaken(target)
  return withLog(config, silentLogger, async ({ log }) => {
    const partial = join(dirname(target), `.${target.slice(dirname(target).length + 1)}.partial-${process.pid}`)
    try {
      const topic = await log.topics.find({ name })
      if (!topic) throw new BackupError(`There is no topic ${name}: see \`varve topics list\`.`)
      await mkdir(partial, { recursive: true })
      const manifest = await writeFiles(log, topic, partial, onProgress)
      // Takes the place of an empty folder.
      await rename(partial, target)
      await sync(dirname(target))
      return manifest
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      throw error
    }
  })
}

async function refuseTaken(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new BackupError(`${folder} cannot be used: ${error.message}.`)
  })
  if (names.length > 0) throw new BackupError(`${folder} is not empty: name a folder that is not there yet.`)
}

async function writeFiles(
  log: Log,
  topic: Topic,
  folder: string,
  onProgress: (progress: BackupProgress) => void,
): Promise<BackupManifest> {
  const stands = await log.standings(topic)
  let totalBytes = 0
  for (const partition of stands.keys()) totalBytes += await log.sizeOf(topic, partition)
  const done = { records: 0, bytes: 0 }
  const partitions: BackupPartition[] = []
  for (const [partition, stand] of stands.entries()) {
    const place = { topic, partition, stand, path: join(folder, partitionFile(partition)) }
    const written = await writePartition(log, place, (records, bytes) => {
      done.records += records
      done.bytes += bytes
      onProgress({ ...done, totalBytes: Math.max(totalBytes, done.bytes) })
    })
    partitions.push(written)
  }
  const exportedAt = new Date(systemClock.now()).toISOString()
  const manifest: BackupManifest = { format: 1, topic: topic.name, configs: topic.configs, exportedAt, partitions }
  const handle = await open(join(folder, MANIFEST), 'wx')
  try {
    await handle.writeFile(encodeManifest(manifest))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await sync(folder)
  return manifest
}

interface PartitionPlace {
  readonly topic: Topic
  readonly partition: number
  readonly stand: PartitionStand
  readonly path: string
}

async function writePartition(
  log: Log,
  { topic, partition, stand, path }: PartitionPlace,
  onWritten: (records: number, bytes: number) => void,
): Promise<BackupPartition> {
  const { start, stable: end } = stand
  const hash = createHash('sha256')
  const handle = await open(path, 'wx')
  let records = 0
  let bytes = 0
  try {
    for (let offset = start; offset < end; ) {
      const read = await readAt(log, topic, partition, offset)
      const last = read.batches.at(-1)
      if (!last) break
      const batches = [...visibleBatches(read)].filter(batch => batch.recordCount > 0 && batch.baseOffset < end)
      const some = Buffer.concat(batches.map(batch => batch.bytes))
      await handle.writeFile(some)
      hash.update(some)
      const count = batches.reduce((sum, { recordCount }) => sum + recordCount, 0)
      records += count
      bytes += some.length
      onWritten(count, some.length)
      offset = endOf(last)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { file: partitionFile(partition), start, end, records, bytes, sha256: hash.digest('hex') }
}

async function readAt(log: Log, topic: Topic, partition: number, offset: number) {
  try {
    const limits = { maxBytes: READ_BYTES, atLeastOneBatch: true, isolation: 'read_committed' } as const
    return await log.read({ topic, partition, offset, ...limits })
  } catch (error) {
    if (error instanceof LogError && error.code === 'OFFSET_OUT_OF_RANGE')
      throw new BackupError(`Records of ${topic.name}/${partition} were deleted while they were read: export again.`)
    throw error
  }
}

function endOf(batch: Uint8Array): number {
  const view = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  return Number(view.readBigInt64BE(0)) + view.readInt32BE(23) + 1
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
