/**
 * One write in the journal: a frame, whole or not there. Numbers are little-endian.
 *
 *   magic (4) · CRC-32 of all that follows (4) · bytes of the frame (4) · changes (4) · opening (8) · generation (8) · number in it (4) ·
 *   frames of the generation before (4) · each change: key's bytes (2), kind (2), value's bytes (4), version (8), key, value
 */
import { crc32 } from 'node:zlib'
import type { Version } from '../index.ts'

/** The last character is the format's version. The generation is at the same place in all versions. */
const MAGIC = Buffer.from('VRJ1')
export const HEADER_BYTES = 40
const GENERATION_AT = 24
const CHANGE_BYTES = 16
const PUT = 1
const DELETED = 0

/** What an item is now; `version` undefined: it was deleted. */
export interface Change {
  readonly keyBytes: Buffer
  readonly version: Version | undefined
  readonly value: Uint8Array
}

export interface FramePlace {
  /** A random number of the process that wrote it: what an earlier one left further on is not taken for its own. */
  readonly opening: number
  /** Counts how often a half of the journal was begun. */
  readonly generation: number
  readonly number: number
  /** So many frames the generation before had; 0: it is of another opening. */
  readonly framesBefore: number
}

export interface Frame extends FramePlace {
  readonly bytes: number
  readonly changes: readonly Change[]
}

export function frameBytes(changes: readonly Change[]): number {
  return changes.reduce((sum, { keyBytes, value }) => sum + CHANGE_BYTES + keyBytes.length + value.length, HEADER_BYTES)
}

/** Writes the frame at `at`, and gives the changes with their values where they now lie. */
export function writeFrame(memory: Buffer, at: number, place: FramePlace, changes: readonly Change[]): Change[] {
  let end = at + HEADER_BYTES
  const stored: Change[] = []
  for (const { keyBytes, version, value } of changes) {
    memory.writeUInt16LE(keyBytes.length, end)
    memory.writeUInt16LE(version === undefined ? DELETED : PUT, end + 2)
    memory.writeUInt32LE(value.length, end + 4)
    memory.writeDoubleLE(version ?? 0, end + 8)
    memory.set(keyBytes, end + CHANGE_BYTES)
    const valueAt = end + CHANGE_BYTES + keyBytes.length
    memory.set(value, valueAt)
    end = valueAt + value.length
    stored.push({ keyBytes, version, value: memory.subarray(valueAt, end) })
  }
  memory.set(MAGIC, at)
  memory.writeUInt32LE(end - at, at + 8)
  memory.writeUInt32LE(changes.length, at + 12)
  memory.writeDoubleLE(place.opening, at + 16)
  memory.writeDoubleLE(place.generation, at + GENERATION_AT)
  memory.writeUInt32LE(place.number, at + 32)
  memory.writeUInt32LE(place.framesBefore, at + 36)
  memory.writeUInt32LE(crc32(memory.subarray(at + 8, end)), at + 4)
  return stored
}

/** Undefined: there is no whole frame at `at`. */
export function readFrame(memory: Buffer, at: number): Frame | undefined {
  if (at + HEADER_BYTES > memory.length || !memory.subarray(at, at + MAGIC.length).equals(MAGIC)) return undefined
  const bytes = memory.readUInt32LE(at + 8)
  if (bytes < HEADER_BYTES || at + bytes > memory.length) return undefined
  if (crc32(memory.subarray(at + 8, at + bytes)) !== memory.readUInt32LE(at + 4)) return undefined
  const changes: Change[] = []
  let next = at + HEADER_BYTES
  for (let count = memory.readUInt32LE(at + 12); count > 0; count--) {
    const keyAt = next + CHANGE_BYTES
    const valueAt = keyAt + memory.readUInt16LE(next)
    const version = memory.readUInt16LE(next + 2) === PUT ? memory.readDoubleLE(next + 8) : undefined
    next = valueAt + memory.readUInt32LE(next + 4)
    changes.push({ keyBytes: memory.subarray(keyAt, valueAt), version, value: memory.subarray(valueAt, next) })
  }
  return {
    bytes,
    changes,
    opening: memory.readDoubleLE(at + 16),
    generation: memory.readDoubleLE(at + GENERATION_AT),
    number: memory.readUInt32LE(at + 32),
    framesBefore: memory.readUInt32LE(at + 36),
  }
}

/** Whether what begins with these bytes is of another version of the format. */
export function isForeignFrame(header: Buffer): boolean {
  const name = MAGIC.length - 1
  return header.subarray(0, name).equals(MAGIC.subarray(0, name)) && header[name] !== MAGIC[name]
}

/** Whether a frame that begins so may be of a later generation. */
export function mayBeLater(header: Buffer, generation: number): boolean {
  return header.length === HEADER_BYTES && header.readDoubleLE(GENERATION_AT) > generation
}
