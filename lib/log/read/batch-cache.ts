/**
 * Batches in memory, bounded in bytes, least recently used out first; one fetch serves all who ask for the same. The memory
 * that they lie in is lent to readers, and used again when the cache and every reader have let go of it.
 */
import { LRUCache } from 'lru-cache'
import { Allocation, type BytesPool, type Loans, type PooledBytes } from '../../base/index.ts'
import type { Allocate } from '../../storage/index.ts'

/** A batch as readers get it. */
export interface StoredBatch {
  readonly bytes: Uint8Array
  readonly baseOffset: number
  readonly lastOffset: number
  /** Ms since 1970; -1: none. */
  readonly maxTimestamp: number
}

/** Reads what is cached under a key, perhaps into memory from `allocate`; undefined where it is gone. */
export type FetchBatches = (allocate: Allocate) => Promise<FetchedBatches | undefined>

export interface FetchedBatches {
  /** What was read: the batches are parts of it. */
  readonly bytes: Uint8Array
  readonly batches: readonly StoredBatch[]
}

interface Cached {
  readonly batches: readonly StoredBatch[]
  /** What they lie in, where it is used again after them. */
  readonly memory: PooledBytes | undefined
}

/** What is being fetched, and who waits for it. */
interface Flight {
  readonly fetched: Promise<Cached | undefined>
  readonly waiting: (Loans | undefined)[]
}

/** The part of a cache that may be read ahead and not asked for yet: more would push out what was read ahead before it. */
const AHEAD_SHARE = 2
/** Added for each batch, and once, when counting: what the objects around them take. */
const OVERHEAD_BYTES = 256

export class BatchCache {
  readonly #cached: LRUCache<string, Cached>
  readonly #flights = new Map<string, Flight>()
  /** The bytes of what was read ahead and nobody has asked for yet. */
  readonly #ahead = new Map<string, number>()
  #aheadBytes = 0
  readonly #pool: BytesPool
  readonly bytesMax: number

  constructor(bytesMax: number, pool: BytesPool) {
    this.bytesMax = bytesMax
    this.#cached = new LRUCache({ maxSize: bytesMax, dispose: (cached, key) => this.#drop(cached, key) })
    this.#pool = pool
  }

  /** Their memory is lent, or the reader's for good. @throws what `fetch` throws */
  async read(key: string, fetch: FetchBatches, loans?: Loans): Promise<readonly StoredBatch[] | undefined> {
    this.#askedFor(key)
    const cached = this.#cached.get(key)
    if (cached) {
      hand(cached, loans)
      return cached.batches
    }
    const flight = this.#fly(key, fetch)
    flight.waiting.push(loans)
    return (await flight.fetched)?.batches
  }

  /**
   * Begins to fetch what will be asked for, about `bytes`, unless much is there already that nobody has asked for. What fails here fails
   * again, and is told, when it is.
   */
  readAhead(key: string, bytes: number, fetch: FetchBatches): void {
    if (this.has(key) || this.#flights.has(key) || this.#aheadBytes + bytes > this.bytesMax / AHEAD_SHARE) return
    this.#ahead.set(key, bytes)
    this.#aheadBytes += bytes
    const forget = () => this.#askedFor(key)
    this.#fly(key, fetch).fetched.then(cached => cached ?? forget(), forget)
  }

  /** What is in memory, for good; reading it so does not count as use. */
  peek(key: string): readonly StoredBatch[] | undefined {
    const cached = this.#cached.peek(key)
    if (cached) hand(cached, undefined)
    return cached?.batches
  }

  /** Whether it is in memory; asking does not count as use. */
  has(key: string): boolean {
    return this.#cached.has(key)
  }

  /** Batches of `bytes`; `memory`: what they lie in, where it is the pool's. */
  add(key: string, batches: readonly StoredBatch[], bytes: number, memory?: PooledBytes): void {
    memory?.hold()
    this.#keep(key, { batches, memory }, bytes)
  }

  #fly(key: string, fetch: FetchBatches): Flight {
    const flying = this.#flights.get(key)
    if (flying) return flying
    const waiting: Flight['waiting'] = []
    const fetched = this.#fetch(key, fetch, waiting)
    const flight = { fetched, waiting }
    this.#flights.set(key, flight)
    return flight
  }

  async #fetch(key: string, fetch: FetchBatches, waiting: Flight['waiting']): Promise<Cached | undefined> {
    const allocation = new Allocation(this.#pool)
    try {
      const fetched = await fetch(allocation.allocate)
      if (!fetched) return undefined
      const { bytes, batches } = fetched
      const cached = { batches, memory: allocation.holding(bytes) }
      // At once, before the cache lets go of it, and not when each of them comes to look.
      for (const loans of waiting) hand(cached, loans)
      this.#keep(key, cached, bytes.length)
      return cached
    } finally {
      // Nor may anyone join who would be handed nothing any more: SingleFlight lets go some turns later.
      this.#flights.delete(key)
    }
  }

  #askedFor(key: string): void {
    this.#aheadBytes -= this.#ahead.get(key) ?? 0
    this.#ahead.delete(key)
  }

  #drop({ memory }: Cached, key: string): void {
    this.#askedFor(key)
    memory?.release()
  }

  #keep(key: string, cached: Cached, bytes: number): void {
    const held = cached.memory?.bytes.buffer.byteLength ?? bytes
    this.#cached.set(key, cached, { size: held + OVERHEAD_BYTES * (cached.batches.length + 1) })
    // What is larger than the cache is not kept.
    if (this.#cached.peek(key) !== cached) this.#drop(cached, key)
  }
}

function hand({ memory }: Cached, loans: Loans | undefined): void {
  if (!memory) return
  if (loans) loans.add(memory)
  else memory.abandon()
}
