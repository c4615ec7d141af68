/**
 * Segment ids are ULIDs (https://github.com/ulid/spec): 48 bits of time in ms, 80 random bits, 26 characters of
 * Crockford's base 32 that sort as the time does. The time only orders ids against a head's fence; it is never read
 * as the truth about when something happened.
 */
import { type Clock, hexOf, type Random } from '../../base/index.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_DIGITS = 10
const HOUR_MS = 3_600_000

export const SEGMENT_ID_BYTES = 16

/** 26 characters. */
export type SegmentId = string

/** Draws ids whose time is above this process's clock or last id, and above every fence it has seen. */
export class SegmentIds {
  readonly #clock: Clock
  readonly #random: Random
  #lastTime = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** A head's fence was seen: ids drawn from now on are not below it. */
  observeFence(fence: number): void {
    if (fence > this.#lastTime) this.#lastTime = fence
  }

  next(): SegmentId {
    this.#lastTime = Math.max(this.#clock.now(), this.#lastTime) + 1
    return encodeTime(this.#lastTime) + encodeRandom(this.#random.bytes(10))
  }
}

/** Ms since 1970 by the clock of the id's drawer. */
export function segmentTime(id: SegmentId): number {
  let time = 0
  for (let i = 0; i < TIME_DIGITS; i++) time = time * 32 + ALPHABET.indexOf(id[i]!)
  return time
}

/** The hour since 1970 in which the id lies, 6 hex digits: a folder of objects and a partition key of items. */
export function segmentHour(id: SegmentId): string {
  return hexOf(Math.floor(segmentTime(id) / HOUR_MS), 6)
}

export function segmentIdToBytes(id: SegmentId): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_ID_BYTES)
  // 26 digits of 5 bits are 130 bits: the first digit has 3 bits only.
  let pending = 0
  let pendingBits = -2
  let at = 0
  for (const digit of id) {
    pending = ((pending << 5) | ALPHABET.indexOf(digit)) & 0x1fff
    pendingBits += 5
    if (pendingBits >= 8) {
      pendingBits -= 8
      bytes[at++] = pending >> pendingBits
    }
  }
  return bytes
}

export function segmentIdFromBytes(bytes: Uint8Array): SegmentId {
  let id = ''
  let pending = 0
  let pendingBits = 2
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0x1fff
    pendingBits += 8
    while (pendingBits >= 5) {
      pendingBits -= 5
      id += ALPHABET[(pending >> pendingBits) & 31]
    }
  }
  return id
}

function encodeTime(time: number): string {
  let text = ''
  let rest = time
  for (let i = 0; i < TIME_DIGITS; i++) {
    text = ALPHABET[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

function encodeRandom(bytes: Uint8Array): string {
  const padded = new Uint8Array(SEGMENT_ID_BYTES)
  padded.set(bytes, 6)
  return segmentIdFromBytes(padded).slice(TIME_DIGITS)
}
