/**
 * A topic as plain files, which `varve export` writes and `varve import` reads:
 *
 *     manifest.json             what the topic is, and for each partition its file, offsets and SHA-256; written last
 *     partition-00000.batches   the partition's committed record batches (Kafka's v2, offsets written in), one after the other
 */
import { VarveError } from '../base/index.ts'

export interface BackupManifest {
  readonly format: 1
  readonly topic: string
  /** Configs that were set. */
  readonly configs: Readonly<Record<string, string>>
  /** ISO 8601. */
  readonly exportedAt: string
  readonly partitions: readonly BackupPartition[]
}

export interface BackupPartition {
  readonly file: string
  /** First kept offset. */
  readonly start: number
  /** Offset of the next record; there may be holes before it. */
  readonly end: number
  readonly records: number
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** What is wrong with a backup, or in its way, and what to do about it. */
export class BackupError extends VarveError {
  readonly code = 'BACKUP'
}

export const MANIFEST = 'manifest.json'
const FORMAT = 1

export function partitionFile(partition: number): string {
  return `partition-${String(partition).padStart(5, '0')}.batches`
}

export function encodeManifest(manifest: BackupManifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

/** @throws BackupError */
export function decodeManifest(text: string): BackupManifest {
  const manifest = parse(text)
  if (typeof manifest !== 'object' || manifest === null || !('format' in manifest))
    throw new BackupError(`${MANIFEST} is no manifest of an export: name the folder that varve export wrote.`)
  if (manifest.format !== FORMAT)
    throw new BackupError(`The export has format ${manifest.format}, and this Varve knows ${FORMAT}: use a newer one.`)
  const { topic, configs, partitions } = manifest as Partial<BackupManifest>
  const isWhole =
    typeof topic === 'string' &&
    typeof configs === 'object' &&
    Array.isArray(partitions) &&
    partitions.length > 0 &&
    partitions.every(isPartition)
  if (!isWhole) throw new BackupError(`${MANIFEST} is damaged: take another copy of the export.`)
  return manifest as BackupManifest
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isPartition(value: unknown): value is BackupPartition {
  if (typeof value !== 'object' || value === null) return false
  const { file, start, end, bytes, sha256 } = value as Partial<BackupPartition>
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start! >= 0 && end! >= start!
  return (
    isRange &&
    Number.isSafeInteger(bytes) &&
    /^partition-\d{5}\.batches$/.test(file ?? '') &&
    /^[0-9a-f]{64}$/.test(sha256 ?? '')
  )
}
