/**
 * The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a key stands for a producer id of its own, kept in an item
 * before anything is appended. A repetition, in whatever process, makes the same batches with the same numbers, and the log answers
 * what it has already with the offsets of the first time, and appends what is missing. So it does not matter how far the first
 * request came.
 *
 * That needs the same batches: the item keeps how many partitions there were (keys spread over them) and a hash of the request;
 * records without a key go where the key's hash says. The log remembers a producer for a day; items older than two are removed by
 * whoever makes new ones, now and then, and by upkeep, which looks for them only while a mark says that there may be some.
 *
 *   idem#<2 hex digits> / <hash of topic id and key, hex> → version uint8 · producer id · partitions · created at, ms · hash of the request
 *   idem / keys → version uint8; rewritten before new keys once an hour, so that it is not taken away while somebody makes one
 */
import { createHash } from 'node:crypto'
import {
  ByteReader,
  ByteWriter,
  type Clock,
  checkFormat,
  drawFraction,
  drawToken,
  type Random,
} from '../../base/index.ts'
import { type Log, type Topic, type UpkeepJob, upkeepIntervals } from '../../log/index.ts'
import { type Item, type ItemKey, type ItemStore, queryAll, StoreError } from '../../storage/index.ts'
import { HttpError } from '../errors.ts'
import { type Identity, identityOf } from './identity.ts'

const FORMAT_VERSION = 1
const KEY_LENGTH_MAX = 1_000
const ATTEMPTS_MAX = 20
const KEPT_MS = 48 * 3_600_000
/** One new key in so many removes old ones beside it. */
const SWEEP_EVERY = 64
const SWEPT_MAX = 200
const MARKED_MS = 3_600_000
const FORGET_INTERVAL_MS = 3_600_000
const PREFIXES = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export const idempotencyMarkKey: ItemKey = { pk: 'idem', sk: 'keys' }

export interface IdempotencyParts {
  readonly items: ItemStore
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
}

export interface StoredKey {
  readonly producerId: number
  readonly partitions: number
  readonly createdAt: number
  readonly requestHash: Buffer
}

/** @throws HttpError BAD_REQUEST */
export function checkIdempotencyKey(key: string): void {
  if (key !== '' && key.length <= KEY_LENGTH_MAX) return
  throw new HttpError('BAD_REQUEST', `an Idempotency-Key has 1 to ${KEY_LENGTH_MAX} characters`)
}

export class IdempotencyKeys {
  readonly #parts: IdempotencyParts
  /** Monotonic. */
  #markedAt = Number.NEGATIVE_INFINITY

  constructor(parts: IdempotencyParts) {
    this.#parts = parts
  }

  /**
   * Who the request's batches come from. `request`: all that must be the same in a repetition.
   * @throws HttpError IDEMPOTENCY_KEY_REUSED; StoreError
   */
  async claim(topic: Topic, idempotencyKey: string, request: readonly (string | Uint8Array)[]): Promise<Identity> {
    const hash = hashOf([topic.id, idempotencyKey])
    const requestHash = hashOf(request)
    const { producerId, partitions, ...stored } = await this.#findOrMake(idempotencyItemKey(hash), topic, requestHash)
    if (!stored.requestHash.equals(requestHash)) {
      throw new HttpError('IDEMPOTENCY_KEY_REUSED', 'this Idempotency-Key came before with another request')
    }
    const keylessPartition = hash.readUInt32BE(0) % partitions
    return identityOf({ producerId, producerEpoch: 0, firstSequence: 0, partitions, keylessPartition })
  }

  async #findOrMake(key: ItemKey, { partitions }: Topic, requestHash: Buffer): Promise<StoredKey> {
    const { items, log, clock, random } = this.#parts
    let made: StoredKey | undefined
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await items.get(key)
      if (item) return decodeIdempotencyKey(item.value)
      if (!(await this.#mark())) continue
      made ??= { producerId: await log.producerIds.next(), partitions, createdAt: clock.now(), requestHash }
      const put = { key, expected: 'absent', version: drawToken(random), value: encodeIdempotencyKey(made) } as const
      if (await this.#written([{ kind: 'put', ...put }])) {
        if (drawFraction(random) < 1 / SWEEP_EVERY) await this.#sweep(key.pk)
        return made
      }
    }
    throw new StoreError('STORE_THROTTLED', 'the idempotency key could not be stored')
  }

  /** False: somebody else is at it; look again. */
  async #mark(): Promise<boolean> {
    const { items, clock, random } = this.#parts
    const now = clock.monotonic()
    if (now - this.#markedAt < MARKED_MS) return true
    const expected = (await items.get(idempotencyMarkKey))?.version ?? 'absent'
    const put = {
      key: idempotencyMarkKey,
      expected,
      version: drawToken(random),
      value: encodeIdempotencyMark(),
    } as const
    if (!(await this.#written([{ kind: 'put', ...put }]))) return false
    this.#markedAt = now
    return true
  }

  /** Removes what is old beside a new key; what cannot be removed now is left for later. */
  async #sweep(pk: string): Promise<void> {
    const { items, clock } = this.#parts
    const { items: beside } = await items.query(pk)
    const old = beside
      .filter(item => decodeIdempotencyKey(item.value).createdAt < clock.now() - KEPT_MS)
      .slice(0, SWEPT_MAX)
    for (const item of old) await this.#remove(item)
  }

  async #remove({ key, version }: Item): Promise<void> {
    await this.#written([{ kind: 'delete', key, expected: version }])
  }

  /** false: it was not, or nobody knows; look again. */
  async #written(operations: Parameters<ItemStore['write']>[0]): Promise<boolean> {
    try {
      return (await this.#parts.items.write(operations)).written
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') return false
      throw error
    }
  }
}

/** Old keys are removed by compare-and-swap, so no lease is needed. */
export function forgetIdempotencyKeysJob({ items, clock }: Pick<IdempotencyParts, 'items' | 'clock'>): UpkeepJob {
  return {
    name: 'forget-idempotency-keys',
    ...upkeepIntervals(FORGET_INTERVAL_MS),
    run: async pass => {
      if (!pass.isMine('idempotency-keys')) return false
      const mark = await items.get(idempotencyMarkKey)
      if (!mark) return false
      checkIdempotencyMark(mark.value)
      const before = clock.now() - KEPT_MS
      let old = 0
      let others = 0
      for (const prefix of PREFIXES) {
        for await (const { key, version, value } of queryAll(items, `idem#${prefix}`)) {
          if (pass.signal.aborted) return old > 0
          const isOld = decodeIdempotencyKey(value).createdAt < before
          const isGone =
            isOld && (pass.dry || (await items.write([{ kind: 'delete', key, expected: version }])).written)
          if (isGone) old++
          else others++
        }
        await pass.pause()
      }
      if (others === 0 && !pass.dry) await items.write([{ kind: 'delete', key: mark.key, expected: mark.version }])
      if (old > 0) pass.tell(`${old} idempotency keys`, 'the log has forgotten their producers')
      return old > 0
    },
  }
}

export function encodeIdempotencyMark(): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION)
}

/** @throws CorruptDataError */
export function checkIdempotencyMark(bytes: Uint8Array): void {
  checkFormat('idempotency mark', bytes[0] ?? 0, FORMAT_VERSION)
}

export function idempotencyItemKey(hash: Buffer): ItemKey {
  const hex = hash.toString('hex')
  return { pk: `idem#${hex.slice(0, 2)}`, sk: hex }
}

export function encodeIdempotencyKey({ producerId, partitions, createdAt, requestHash }: StoredKey): Uint8Array {
  return new ByteWriter(64)
    .uint8(FORMAT_VERSION)
    .uint(producerId)
    .uint(partitions)
    .uint(createdAt)
    .bytes(requestHash)
    .finish()
}

/** @throws CorruptDataError */
export function decodeIdempotencyKey(bytes: Uint8Array): StoredKey {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('idempotency key', version, FORMAT_VERSION)
  return { producerId: reader.uint(), partitions: reader.uint(), createdAt: reader.uint(), requestHash: reader.bytes() }
}

/** Of the parts with their lengths, so that none runs into the next. */
function hashOf(parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest()
}
