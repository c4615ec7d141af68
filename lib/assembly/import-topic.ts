/**
 * Makes a topic of the files that an export wrote, its records with the offsets that they had. Until all of it is there it has a name of
 * its own (`__importing.…`), and then it is renamed, in one step. Whoever imports the same files again goes on where it stopped.
 */
import { createHash, type Hash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../base/index.ts'
import { type Log, LogError, type Topic } from '../log/index.ts'
import { type BatchView, RecordError, validateChecksum, viewBatch } from '../records/index.ts'
import { BackupError, type BackupManifest, type BackupPartition, decodeManifest, MANIFEST } from './backup-format.ts'
import type { Config } from './config.ts'
import type { BackupProgress } from './export-topic.ts'
import { withLog } from './with-log.ts'

export interface ImportOptions {
  readonly folder: string
  /** Default: as it was called. */
  readonly name?: string
  /** Beside those that it had, and in their place. */
  readonly configs: Readonly<Record<string, string>>
  readonly onProgress: (progress: BackupProgress) => void
}

/** What goes into one extent, and is held in memory. */
const EXTENT_BYTES = 32 * 1_024 * 1_024
const READ_BYTES = 1_024 * 1_024
const BATCH_HEAD_BYTES = 61
const TOPIC_NAME_MAX = 249

/** Servers may run. @throws BackupError, ConfigError, StoreError, CorruptDataError */
export async function importTopic(
  config: Pick<Config, 'objects' | 'items'>,
  options: ImportOptions,
): Promise<{ readonly topic: string; readonly manifest: BackupManifest }> {
  const text = await readFile(join(options.folder, MANIFEST), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BackupError(
      `${options.folder} holds no whole export (${error.message}): name the folder that varve export wrote.`,
    )
  })
  const manifest = decodeManifest(text)
  const name = options.name ?? manifest.topic
  return withLog(config, silentLogger, async ({ log }) => {
    try {
      await refuseTaken(log, name)
      await log.topics.validate({
        name,
        partitions: manifest.partitions.length,
        configs: { ...manifest.configs, ...options.configs },
      })
      const mark = createHash('sha256').update(text).digest('hex').slice(0, 12)
      const topic = await temporaryTopic(log, `__importing.${mark}.${name}`.slice(0, TOPIC_NAME_MAX), manifest)
      await readFiles(log, topic, manifest, options)
      await log.restoring.rename(topic, { name, configs: { ...manifest.configs, ...options.configs } })
      return { topic: name, manifest }
    } catch (error) {
      if (error instanceof LogError && error.code === 'TOPIC_EXISTS') throw taken(name)
      if (error instanceof LogError && error.code.startsWith('INVALID_'))
        throw new BackupError(error.message, { cause: error })
      throw error
    }
  })
}

async function refuseTaken(log: Log, name: string): Promise<void> {
  if (await log.topics.find({ name })) throw taken(name)
}

function taken(name: string): BackupError {
  return new BackupError(`There is a topic ${name} already: delete it, or give the import another name with --topic.`)
}

/** It keeps all that is put into it, whatever the configs of the topic say. */
async function temporaryTopic(log: Log, name: string, manifest: BackupManifest): Promise<Topic> {
  const found = await log.topics.find({ name })
  if (found) return found
  const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
  return log.topics.create({ name, partitions: manifest.partitions.length, configs })
}

async function readFiles(
  log: Log,
  topic: Topic,
  manifest: BackupManifest,
  { folder, onProgress }: ImportOptions,
): Promise<void> {
  const totalBytes = manifest.partitions.reduce((sum, { bytes }) => sum + bytes, 0)
  const done = { records: 0, bytes: 0 }
  const stands = await log.standings(topic)
  for (const [partition, wanted] of manifest.partitions.entries()) {
    const reached = stands[partition]!.end
    await readPartition(log, { topic, partition, reached, wanted, path: join(folder, wanted.file) }, batch => {
      done.records += batch.recordCount
      done.bytes += batch.bytes.length
      onProgress({ ...done, totalBytes })
    })
  }
}

interface Place {
  readonly topic: Topic
  readonly partition: number
  /** What was put into it before. */
  readonly reached: number
  readonly wanted: BackupPartition
  readonly path: string
}

async function readPartition(
  log: Log,
  { topic, partition, reached, wanted, path }: Place,
  onBatch: (batch: BatchView) => void,
): Promise<void> {
  const { start, end, sha256, file } = wanted
  if (reached > end) throw new BackupError(`${topic.name}/${partition} has more than the export: delete ${topic.name}.`)
  const hash = createHash('sha256')
  let from = Math.max(start, reached)
  let held: Uint8Array[] = []
  let heldBytes = 0
  let next = from
  const attach = async (to: number) => {
    await log.restoring.attach({ topic, partition, from, to, batches: held })
    from = to
    held = []
    heldBytes = 0
  }
  for await (const batch of batchesIn(path, file, hash)) {
    onBatch(batch)
    const after = batch.baseOffset + batch.lastOffsetDelta + 1
    if (after <= reached) continue
    if (after <= next || after > end) throw damaged(file, `a batch ends at offset ${after - 1}`)
    held.push(batch.bytes)
    heldBytes += batch.bytes.length
    next = after
    if (heldBytes >= EXTENT_BYTES) await attach(next)
  }
  // Before the last of it is there: what is left out cannot be taken for whole.
  if (hash.digest('hex') !== sha256) throw damaged(file, 'its SHA-256 is not that of the manifest')
  if (from < end || reached === 0) await attach(end)
}

/** Each checked. @throws BackupError */
async function* batchesIn(path: string, file: string, hash: Hash): AsyncGenerator<BatchView> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new BackupError(`The export lacks ${file} (${error.message}): take another copy of it.`)
  })
  try {
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of handle.createReadStream({ highWaterMark: READ_BYTES, autoClose: false })) {
      hash.update(chunk as Buffer)
      rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
      while (rest.length >= BATCH_HEAD_BYTES) {
        const length = lengthOf(rest, file)
        if (rest.length < length) break
        yield checked(rest.subarray(0, length), file)
        rest = rest.subarray(length)
      }
    }
    if (rest.length > 0) throw damaged(file, `it ends in the middle of a batch`)
  } finally {
    await handle.close()
  }
}

function lengthOf(bytes: Buffer, file: string): number {
  const length = 12 + bytes.readInt32BE(8)
  if (length < BATCH_HEAD_BYTES) throw damaged(file, `a batch of ${length} bytes`)
  return length
}

function checked(bytes: Buffer, file: string): BatchView {
  try {
    // A copy: a part of what was read would keep all of it.
    const batch = viewBatch(Buffer.from(bytes))
    validateChecksum(batch)
    return batch
  } catch (error) {
    if (error instanceof RecordError) throw damaged(file, error.message)
    throw error
  }
}

function damaged(file: string, why: string): BackupError {
  return new BackupError(`${file} is damaged (${why}): take another copy of the export, and import that.`)
}
