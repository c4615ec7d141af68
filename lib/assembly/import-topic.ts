/** Makes a topic of the files that an export wrote, its records with the offsets that they had (import-records.ts). */
import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../base/index.ts'
import { LogError } from '../log/index.ts'
import { type BatchView, RecordError, validateChecksum, viewBatch } from '../records/index.ts'
import { BackupError, type BackupManifest, type BackupPartition, decodeManifest, MANIFEST } from './backup-format.ts'
import type { Config } from './config.ts'
import type { BackupProgress } from './export-topic.ts'
import { damaged, type ImportSource, importRecords } from './import-records.ts'
import { withLog } from './with-log.ts'

export interface ImportOptions {
  readonly folder: string
  /** Default: as it was called. */
  readonly name?: string
  /** Beside those that it had, and in their place. */
  readonly configs: Readonly<Record<string, string>>
  readonly onProgress: (progress: BackupProgress) => void
}

const READ_BYTES = 1_024 * 1_024
const BATCH_HEAD_BYTES = 61

/** Servers may run. @throws BackupError, ConfigError, StoreError, CorruptDataError */
export async function importTopic(
  config: Pick<Config, 'objects' | 'items'>,
  { folder, name: wanted, configs, onProgress }: ImportOptions,
): Promise<{ readonly topic: string; readonly manifest: BackupManifest }> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new BackupError(
      `${folder} holds no whole export (${error.message}): name the folder that varve export wrote.`,
    )
  })
  const manifest = decodeManifest(text)
  const name = wanted ?? manifest.topic
  const totalBytes = manifest.partitions.reduce((sum, { bytes }) => sum + bytes, 0)
  const done = { records: 0, bytes: 0 }
  const source: ImportSource = {
    mark: createHash('sha256').update(text).digest('hex').slice(0, 12),
    partitions: manifest.partitions,
    batches: partition => batchesIn(folder, manifest.partitions[partition]!),
    onBatch: batch => {
      done.records += batch.recordCount
      done.bytes += batch.bytes.length
      onProgress({ ...done, totalBytes })
    },
  }
  return withLog(config, silentLogger, async ({ log }) => {
    try {
      await importRecords(log, source, { name, configs: { ...manifest.configs, ...configs } })
      return { topic: name, manifest }
    } catch (error) {
      if (error instanceof LogError && error.code === 'TOPIC_EXISTS') throw taken(name)
      if (error instanceof LogError && error.code.startsWith('INVALID_'))
        throw new BackupError(error.message, { cause: error })
      throw error
    }
  })
}

function taken(name: string): BackupError {
  return new BackupError(`There is a topic ${name} already: delete it, or give the import another name with --topic.`)
}

/** Each checked, and at their end the file. @throws BackupError */
async function* batchesIn(folder: string, { file, sha256 }: BackupPartition): AsyncGenerator<BatchView> {
  const hash = createHash('sha256')
  const handle = await open(join(folder, file), 'r').catch((error: NodeJS.ErrnoException) => {
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
    if (hash.digest('hex') !== sha256) throw damaged(file, 'its SHA-256 is not that of the manifest')
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
