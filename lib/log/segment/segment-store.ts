/**
 * Immutable blobs under segment ids (segments and snapshots) in one of two media: an item for the small, an object for
 * the rest. Nothing above knows which. A put whose answer was lost is put again under the same key: keys are never
 * used twice for different bytes, so one found taken is our own.
 */
import {
  type BytesPool,
  type Clock,
  CorruptDataError,
  drawToken,
  hexOf,
  joinBytes,
  type PooledBytes,
  type Random,
  totalLength,
} from '../../base/index.ts'
import {
  type Allocate,
  type ItemKey,
  type ItemStore,
  type ObjectStore,
  StoreError,
  type WriteOperation,
} from '../../storage/index.ts'
import { type SegmentId, segmentHour, segmentIdToBytes } from './segment-id.ts'

/** `none`: the id stands for a commit without a blob. */
export type Medium = 'item' | 'object' | 'none'

export interface SegmentRef {
  readonly id: SegmentId
  readonly medium: Medium
}

export interface SegmentStoreOptions {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  /** Blobs up to this many bytes become items. */
  readonly itemBytesMax: number
  /** Small segments go with their commit in one write: one round trip less, where a write of several items is cheap. */
  readonly carriesItems: boolean
  /** A put that has no answer after this long is sent a second time. */
  readonly hedgeAfterMs: number
  readonly readMemory: BytesPool
}

/** A blob on its way into the item store. */
export interface Carriage {
  readonly operation: WriteOperation
  /** What it lies in, to be released when the store has said what became of the write; never where that is unknown. */
  readonly memory: PooledBytes | undefined
}

const PUT_ATTEMPTS_MAX = 8
/** A put that is silent for longer is tried again: the store's own bounds should have ended it. */
const PUT_ATTEMPT_MS_MAX = 15_000
const RETRY_BASE_MS = 20
const RETRY_CAP_MS = 2_000

export class SegmentStore {
  readonly #options: SegmentStoreOptions
  /** Puts that have no answer yet. */
  readonly #underWay = new Map<SegmentId, number>()

  constructor(options: SegmentStoreOptions) {
    this.#options = options
  }

  /** Whether a blob of so many bytes may go into the item store in the write that comes to refer to it. */
  mayBeCarried(bytes: number): boolean {
    return this.#options.carriesItems && this.mediumFor(bytes) === 'item'
  }

  /** Whether the store may still be reading the parts of a put: the loser of two has not ended. */
  isUnderWay(id: SegmentId): boolean {
    return this.#underWay.has(id)
  }

  /** The operation that stores a carried blob. */
  carry(id: SegmentId, parts: readonly Uint8Array[]): Carriage {
    const memory = this.#options.readMemory.take(totalLength(parts))
    const value = memory ? fill(memory.bytes, parts) : joinBytes(parts)
    const version = drawToken(this.#options.random)
    return { operation: { kind: 'put', key: segmentItemKey(id), expected: 'absent', version, value }, memory }
  }

  mediumFor(bytes: number): Medium {
    return bytes <= this.#options.itemBytesMax ? 'item' : 'object'
  }

  /** Durable when it answers. @throws StoreError when the store stayed out of reach. */
  async put(id: SegmentId, parts: readonly Uint8Array[]): Promise<SegmentRef> {
    const medium = this.mediumFor(totalLength(parts))
    for (let attempt = 1; ; attempt++) {
      try {
        await (medium === 'item' ? this.#putItem(id, parts) : this.#putObject(id, parts))
        return { id, medium }
      } catch (error) {
        if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED' || attempt === PUT_ATTEMPTS_MAX)
          throw error
        await this.#options.clock.sleep(Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** attempt))
      }
    }
  }

  /**
   * `length` bytes from `position`, perhaps in memory from `allocate`; undefined where the blob is gone.
   * @throws StoreError, CorruptDataError
   */
  async read(ref: SegmentRef, position: number, length: number, allocate?: Allocate): Promise<Uint8Array | undefined> {
    const bytes =
      ref.medium === 'object'
        ? await this.#options.objects.get(segmentObjectKey(ref.id), { from: position, length }, allocate)
        : (await this.#options.items.get(segmentItemKey(ref.id)))?.value.subarray(position, position + length)
    if (bytes && bytes.length !== length) {
      throw new CorruptDataError(`segment ${ref.id} has ${bytes.length} of ${length} bytes at ${position}`)
    }
    return bytes
  }

  /** The whole blob; undefined where it is gone. @throws StoreError */
  async readWhole(ref: SegmentRef): Promise<Uint8Array | undefined> {
    if (ref.medium === 'object') return this.#options.objects.get(segmentObjectKey(ref.id))
    return (await this.#options.items.get(segmentItemKey(ref.id)))?.value
  }

  /** Removes a blob that nothing refers to, nor can come to refer to; one that is gone already is no error. @throws StoreError */
  async remove({ id, medium }: SegmentRef): Promise<void> {
    if (medium === 'object') return this.#options.objects.delete([segmentObjectKey(id)])
    const item = await this.#options.items.get(segmentItemKey(id))
    if (item) await this.#options.items.write([{ kind: 'delete', key: item.key, expected: item.version }])
  }

  async #putItem(id: SegmentId, parts: readonly Uint8Array[]): Promise<void> {
    const { operation, memory } = this.carry(id, parts)
    await this.#options.items.write([operation])
    memory?.release()
  }

  async #putOnce(id: SegmentId, key: string, parts: readonly Uint8Array[]): Promise<void> {
    this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1)
    try {
      await this.#options.objects.put(key, parts)
    } finally {
      const left = this.#underWay.get(id)! - 1
      if (left > 0) this.#underWay.set(id, left)
      else this.#underWay.delete(id)
    }
  }

  async #within<T>(ms: number, answer: Promise<T>): Promise<T> {
    const answered = new AbortController()
    const silence = this.#options.clock.sleep(ms, answered.signal).then(() => {
      throw new StoreError('STORE_OUTCOME_UNKNOWN', `no answer for ${ms} ms`)
    })
    silence.catch(() => undefined)
    return Promise.race([answer, silence]).finally(() => answered.abort('answered'))
  }

  async #putObject(id: SegmentId, parts: readonly Uint8Array[]): Promise<void> {
    const key = segmentObjectKey(id)
    const answered = new AbortController()
    const first = this.#putOnce(id, key, parts).finally(() => answered.abort('answered'))
    const hedge = async () => {
      await this.#options.clock.sleep(this.#options.hedgeAfterMs, answered.signal)
      return answered.signal.aborted ? first : this.#putOnce(id, key, parts)
    }
    await this.#within(PUT_ATTEMPT_MS_MAX, Promise.any([first, hedge()])).catch(error => {
      throw error instanceof AggregateError ? error.errors[0] : error
    })
  }
}

function fill(memory: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  let at = 0
  for (const part of parts) {
    memory.set(part, at)
    at += part.length
  }
  return memory
}

export function segmentObjectKey(id: SegmentId): string {
  return `${SEGMENT_OBJECTS}${segmentHour(id)}/${id}`
}

/** The folder of all segments that are objects. */
export const SEGMENT_OBJECTS = 'segments/'
/** Item segments of an hour are spread over so many partition keys, listable by time. */
export const ITEM_SPREAD = 8

export function segmentItemKey(id: SegmentId): ItemKey {
  return { pk: segmentItemPartition(segmentHour(id), segmentIdToBytes(id)[15]! % ITEM_SPREAD), sk: id }
}

/** `bits`: 0 to ITEM_SPREAD - 1. */
export function segmentItemPartition(hour: string, bits: number): string {
  return `g#${hour}#${hexOf(bits, 1)}`
}
