/**
 * The stored claim and the items that hold it. A claim says: these source records are in the batch of this producer that ends
 * with this sequence. Claims of one source and one minute (of the records' own time, which is the same at every delivery)
 * lie in chunks under one key, so a record that comes again is looked for in one place.
 *
 *   ingest / <source>                         → version uint8 · ARN
 *   ingest/<source> / <hour>                  → version uint8: there are chunks of that hour
 *   ingest#<source>#<hour> / <minute>#<chunk> → claims, only ever added to; a chunk that is full is followed by the next
 */
import { createHash } from 'node:crypto'
import { ByteReader, ByteWriter, checkFormat, hexOf } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'

const FORMAT_VERSION = 1
const ID_BYTES = 16
const TOPIC_ID_BYTES = 16
export const MINUTE_MS = 60_000
const HOUR_MINUTES = 60

export interface Claim {
  readonly producerId: number
  /** 32 hex digits. */
  readonly topicId: string
  readonly partition: number
  /** Last sequence of the batch, all of whose records' claims say the same. */
  readonly lastSequence: number
  /** By the claimer's clock, ms since 1970. */
  readonly claimedAt: number
  /** 32 hex digits each. */
  readonly records: readonly string[]
}

/** What a record of a source is called in claims: 128 bits of SHA-256. */
export function recordName(id: string): string {
  return createHash('sha256')
    .update(id)
    .digest('hex')
    .slice(0, ID_BYTES * 2)
}

export function sourceName(source: string): string {
  return createHash('sha256').update(source).digest('hex').slice(0, 16)
}

/** Minutes since 1970 of a time in ms. */
export function minuteOf(time: number): number {
  return Math.max(0, Math.floor(time / MINUTE_MS))
}

export const SOURCES_PK = 'ingest'

export function sourceKey(source: string): ItemKey {
  return { pk: SOURCES_PK, sk: source }
}

export function hourKey(source: string, hour: number): ItemKey {
  return { pk: `ingest/${source}`, sk: hexOf(hour, 8) }
}

export function hourOf(minute: number): number {
  return Math.floor(minute / HOUR_MINUTES)
}

export function chunksPk(source: string, hour: number): string {
  return `ingest#${source}#${hexOf(hour, 8)}`
}

export function chunkKey(source: string, minute: number, chunk: number): ItemKey {
  return { pk: chunksPk(source, hourOf(minute)), sk: `${minuteText(minute)}#${hexOf(chunk, 6)}` }
}

/** The sort keys of a minute's chunks. */
export function chunkRange(minute: number): { from: string; to: string } {
  return { from: `${minuteText(minute)}#`, to: `${minuteText(minute)}#~` }
}

export function chunkNumber(key: ItemKey): number {
  return Number.parseInt(key.sk.slice(3), 16)
}

export function encodeSource(arn: string): Uint8Array {
  return new ByteWriter().uint8(FORMAT_VERSION).string(arn).finish()
}

/** The source's ARN. @throws CorruptDataError */
export function decodeSource(bytes: Uint8Array): string {
  const reader = new ByteReader(bytes)
  checkFormat('event source', reader.uint8(), FORMAT_VERSION)
  return reader.string()
}

export function encodeHour(): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION)
}

/** @throws CorruptDataError */
export function checkHour(bytes: Uint8Array): void {
  checkFormat('hour of claims', bytes[0] ?? 0, FORMAT_VERSION)
}

export function encodeClaims(claims: readonly Claim[]): Uint8Array {
  const writer = new ByteWriter(1_024).uint8(FORMAT_VERSION).uint(claims.length)
  for (const { producerId, topicId, partition, lastSequence, claimedAt, records } of claims) {
    writer.uint(producerId).raw(Buffer.from(topicId, 'hex')).uint(partition).uint(lastSequence).uint(claimedAt)
    writer.uint(records.length)
    for (const record of records) writer.raw(Buffer.from(record, 'hex'))
  }
  return writer.finish()
}

export function decodeClaims(bytes: Uint8Array): Claim[] {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('claims', version, FORMAT_VERSION)
  return reader.list(() => ({
    producerId: reader.uint(),
    topicId: reader.raw(TOPIC_ID_BYTES).toString('hex'),
    partition: reader.uint(),
    lastSequence: reader.uint(),
    claimedAt: reader.uint(),
    records: reader.list(() => reader.raw(ID_BYTES).toString('hex')),
  }))
}

function minuteText(minute: number): string {
  return String(minute % HOUR_MINUTES).padStart(2, '0')
}
