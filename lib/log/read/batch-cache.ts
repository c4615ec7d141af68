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

/** Added for each batch, and once, when counting: what the objects around them take. */
const OVERHEAD_BYTES = 256

export class BatchCache {
  readonly #cached: LRUCache<string, Cached>
  readonly #flights = new Map<string, Flight>()
  readonly #pool: BytesPool

  constructor(bytesMax: number, pool: BytesPool) {
    this.#cached = new LRUCache({ maxSize: bytesMax, dispose: ({ memory }) => memory?.release() })
    this.#pool = pool
  }

  /** Their memory is lent, or the reader's for good. @throws what `fetch` throws */
  async read(key: string, fetch: FetchBatches, loans?: Loans): Promise<readonly StoredBatch[] | undefined> {
    const cached = this.#cached.get(key)
    if (cached) {
      hand(cached, loans)
      return cached.batches
    }
    const flight = this.#fly(key, fetch)
    flight.waiting.push(loans)
    return (await flight.fetched)?.batches
  }

  /** Begins to fetch what will be asked for. What fails here fails again, and is told, when it is. */
  readAhead(key: string, fetch: FetchBatches): void {
    if (!this.has(key)) this.#fly(key, fetch).fetched.catch(() => undefined)
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

  /** Batches that take `bytes` of memory which is not the pool's. */
  add(key: string, batches: readonly StoredBatch[], bytes: number): void {
    this.#keep(key, { batches, memory: undefined }, bytes)
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

  #keep(key: string, cached: Cached, bytes: number): void {
    const held = cached.memory?.bytes.buffer.byteLength ?? bytes
    this.#cached.set(key, cached, { size: held + OVERHEAD_BYTES * (cached.batches.length + 1) })
    // What is larger than the cache is not kept.
    if (this.#cached.peek(key) !== cached) cached.memory?.release()
  }
}

function hand({ memory }: Cached, loans: Loans | undefined): void {
  if (!memory) return
  if (loans) loans.add(memory)
  else memory.abandon()
}
