/** Reads of many partitions at once, within one bound: each gets its turn, because the next read begins after the last one served. */
import type { Isolation, Log, Topic } from '../../log/index.ts'
import { readPage, type Waiting } from '../../log/index.ts'
import type { BatchRecord } from '../../records/index.ts'
import type { AnswerHold } from '../answer-memory.ts'

/** Partitions that are read side by side. */
const WAVE = 16
/** A partition's share of the bytes is not less. */
const SHARE_BYTES_MIN = 64 * 1_024

/** Where a reader is in a partition; `offset` moves on as records are taken. */
export interface Cursor {
  readonly topic: Topic
  readonly partition: number
  offset: number
}

export interface Bounds {
  readonly recordsMax: number
  readonly bytesMax: number
  readonly isolation: Isolation
}

export interface Read {
  readonly cursor: Cursor
  readonly record: BatchRecord
}

/** Refuses a partition (its offset is out of range, its topic is gone): true if the cursor was mended, else the error is thrown. */
export type Mend = (cursor: Cursor, error: unknown) => Promise<boolean>

export class PartitionsReader {
  readonly #log: Log
  readonly #answer: AnswerHold
  readonly #mend: Mend
  #turn = 0

  /** What is read is held for `answer`. */
  constructor(log: Log, answer: AnswerHold, mend: Mend = async () => false) {
    this.#log = log
    this.#answer = answer
    this.#mend = mend
  }

  /** Records in the order of each partition. The cursors stand behind them. @throws OverloadedError; then nothing was read */
  async read(cursors: readonly Cursor[], bounds: Bounds, waiting: Waiting): Promise<Read[]> {
    const deadline = waiting.clock.monotonic() + waiting.waitMs
    for (;;) {
      const { reads, ends, moved } = await this.#answer.read(bounds.bytesMax, bytesMax =>
        this.#readOnce(cursors, { ...bounds, bytesMax }),
      )
      const leftMs = deadline - waiting.clock.monotonic()
      if (reads.length > 0 || leftMs <= 0 || waiting.signal.aborted || cursors.length === 0) return reads
      // Past what nobody may see there may be more at once.
      if (moved) continue
      const positions = cursors.map(cursor => ({ ...cursor, offset: ends.get(cursor) ?? cursor.offset }))
      await this.#log.waitForRecords(positions, leftMs, waiting.signal)
    }
  }

  async #readOnce(cursors: readonly Cursor[], bounds: Bounds) {
    const reads: Read[] = []
    const ends = new Map<Cursor, number>()
    let bytes = 0
    let moved = false
    const first = this.#turn % Math.max(1, cursors.length)
    const inTurn = [...cursors.slice(first), ...cursors.slice(0, first)]
    const isFull = () => reads.length >= bounds.recordsMax || bytes >= bounds.bytesMax
    for (let at = 0; at < inTurn.length && !isFull(); at += WAVE) {
      const wave = inTurn.slice(at, at + WAVE)
      const bytesMax = Math.min(bounds.bytesMax, Math.max(SHARE_BYTES_MIN, (bounds.bytesMax - bytes) / wave.length))
      const recordsMax = bounds.recordsMax - reads.length
      const pages = await Promise.all(wave.map(cursor => this.#page(cursor, { ...bounds, bytesMax, recordsMax })))
      for (const [index, page] of pages.entries()) {
        if (isFull()) break
        const cursor = wave[index]!
        const taken = page.records.slice(0, bounds.recordsMax - reads.length)
        reads.push(...taken.map(record => ({ cursor, record })))
        bytes += page.bytes
        const next = taken.length < page.records.length ? taken.at(-1)!.offset + 1 : page.nextOffset
        moved ||= next > cursor.offset
        cursor.offset = next
        ends.set(cursor, page.endOffset)
        this.#turn++
      }
    }
    return { reads, ends, moved, bytes }
  }

  async #page(cursor: Cursor, bounds: Bounds) {
    for (;;) {
      const { topic, partition, offset } = cursor
      try {
        return await readPage(this.#log, { topic, partition, offset, ...bounds })
      } catch (error) {
        if (!(await this.#mend(cursor, error))) throw error
      }
    }
  }
}
