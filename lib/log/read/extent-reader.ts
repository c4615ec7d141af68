/**
 * Blocks of extents in memory, in a cache that readers at the tail do not use: readers far behind push nothing out that they
 * need. A reader that goes from block to block has the next ones fetched beside it.
 */
import { LRUCache } from 'lru-cache'
import { type Loans, Permits, SingleFlight } from '../../base/index.ts'
import { splitBatches } from '../../records/index.ts'
import type { Allocate, ObjectStore } from '../../storage/index.ts'
import { batchesOf, blocksOf, indexPosition } from '../extent/cut-extent.ts'
import { type Block, checkBlock, decodeExtentIndex } from '../extent/extent-format.ts'
import type { Extent } from '../extent/extent-item.ts'
import type { BatchCache, FetchBatches, StoredBatch } from './batch-cache.ts'

/** For each block in an index when counting: what its object takes. */
const BLOCK_OVERHEAD_BYTES = 64
/** The part of the memory that indexes may take besides. */
const INDEX_SHARE = 8
/** Gets under way at once, of all readers. */
const GETS_MAX = 16
/** Blocks that are fetched ahead of a reader. */
const BLOCKS_AHEAD = 8

export class ExtentReader {
  readonly #objects: ObjectStore
  readonly #blocks: BatchCache
  readonly #indexes: LRUCache<string, readonly Block[]>
  readonly #flights = new SingleFlight<string, readonly Block[] | undefined>()
  readonly #gets = new Permits(GETS_MAX)
  #getting = 0

  constructor(objects: ObjectStore, blocks: BatchCache) {
    this.#objects = objects
    this.#blocks = blocks
    this.#indexes = new LRUCache({ maxSize: Math.max(1, Math.floor(blocks.bytesMax / INDEX_SHARE)) })
  }

  /** The blocks of an extent; undefined where its object is gone. @throws StoreError, CorruptDataError */
  async index(extent: Extent): Promise<readonly Block[] | undefined> {
    const blocks = await this.#index(extent)
    return blocks && blocksOf(extent, blocks)
  }

  async #index(extent: Extent): Promise<readonly Block[] | undefined> {
    const cached = this.#indexes.get(extent.object)
    if (cached) return cached
    return this.#flights.run(extent.object, async () => {
      const bytes = await this.#get(extent, indexPosition(extent), extent.indexBytes)
      if (!bytes) return undefined
      const blocks = decodeExtentIndex(bytes)
      this.#indexes.set(extent.object, blocks, { size: (blocks.length + 1) * BLOCK_OVERHEAD_BYTES })
      return blocks
    })
  }

  /**
   * The batches of the block with number `at`; undefined where the object is gone. Their memory is lent, or the reader's for good.
   * @throws StoreError, CorruptDataError
   */
  async block(
    extent: Extent,
    blocks: readonly Block[],
    at: number,
    loans?: Loans,
  ): Promise<readonly StoredBatch[] | undefined> {
    if (at > 0 && this.has(extent, blocks[at - 1]!)) this.#readAhead(extent, blocks, at + 1)
    const block = blocks[at]!
    const batches = await this.#blocks.read(blockKey(extent, block), this.#fetching(extent, block), loans)
    return batches && batchesOf(extent, batches)
  }

  /** Whether a block is in memory. */
  has(extent: Extent, block: Block): boolean {
    return this.#blocks.has(blockKey(extent, block))
  }

  #readAhead(extent: Extent, blocks: readonly Block[], from: number): void {
    for (const block of blocks.slice(from, from + BLOCKS_AHEAD)) {
      if (this.#getting >= GETS_MAX) return
      this.#blocks.readAhead(blockKey(extent, block), block.length, this.#fetching(extent, block))
    }
  }

  #fetching(extent: Extent, block: Block): FetchBatches {
    return async allocate => {
      const bytes = await this.#get(extent, block.position, block.length, allocate)
      if (!bytes) return undefined
      checkBlock(bytes, block)
      const batches = splitBatches(bytes).map(
        ({ bytes, baseOffset, lastOffsetDelta, maxTimestamp }): StoredBatch => ({
          bytes,
          baseOffset,
          lastOffset: baseOffset + lastOffsetDelta,
          maxTimestamp,
        }),
      )
      return { bytes, batches }
    }
  }

  async #get(extent: Extent, from: number, length: number, allocate?: Allocate): Promise<Uint8Array | undefined> {
    this.#getting++
    try {
      return await this.#gets.run(() => this.#objects.get(extent.object, { from, length }, allocate))
    } finally {
      this.#getting--
    }
  }
}

function blockKey(extent: Extent, block: Block): string {
  return `${extent.object}/${block.position}`
}
