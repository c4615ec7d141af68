/**
 * Blocks of extents in memory: a cache of its own, so that readers far behind push nothing out that readers at the tail
 * need. One fetch serves all who ask for a block; a reader that goes from block to block has the next ones fetched beside it.
 */
import { LRUCache } from 'lru-cache'
import { Mailbox, SingleFlight } from '../../base/index.ts'
import { splitBatches } from '../../records/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { batchesOf, blocksOf, indexPosition } from '../extent/cut-extent.ts'
import { type Block, checkBlock, decodeExtentIndex } from '../extent/extent-format.ts'
import type { Extent } from '../extent/extent-item.ts'
import type { StoredBatch } from './slice-cache.ts'

/** Added to each block's bytes when counting: what the objects around its batches take. */
const BATCH_OVERHEAD_BYTES = 256
const BLOCK_OVERHEAD_BYTES = 64
/** Gets under way at once, of all readers. */
const GETS_MAX = 16
/** Blocks that are fetched ahead of a reader. */
const BLOCKS_AHEAD = 8

type Cached = { readonly blocks: readonly Block[] } | { readonly batches: readonly StoredBatch[] }

export class ExtentReader {
  readonly #objects: ObjectStore
  readonly #cache: LRUCache<string, Cached>
  readonly #indexes = new SingleFlight<string, readonly Block[] | undefined>()
  readonly #flights = new SingleFlight<string, readonly StoredBatch[] | undefined>()
  readonly #lanes = Array.from({ length: GETS_MAX }, () => new Mailbox())
  #lane = 0
  #getting = 0

  constructor(objects: ObjectStore, bytesMax: number) {
    this.#objects = objects
    this.#cache = new LRUCache({ maxSize: bytesMax })
  }

  /** The blocks of an extent; undefined where its object is gone. @throws StoreError, CorruptDataError */
  async index(extent: Extent): Promise<readonly Block[] | undefined> {
    const blocks = await this.#index(extent)
    return blocks && blocksOf(extent, blocks)
  }

  async #index(extent: Extent): Promise<readonly Block[] | undefined> {
    const cached = this.#cache.get(extent.object)
    if (cached && 'blocks' in cached) return cached.blocks
    return this.#indexes.run(extent.object, async () => {
      const bytes = await this.#get(extent, indexPosition(extent), extent.indexBytes)
      if (!bytes) return undefined
      const blocks = decodeExtentIndex(bytes)
      this.#cache.set(extent.object, { blocks }, { size: (blocks.length + 1) * BLOCK_OVERHEAD_BYTES })
      return blocks
    })
  }

  /** The batches of the block with number `at`; undefined where the object is gone. @throws StoreError, CorruptDataError */
  async block(extent: Extent, blocks: readonly Block[], at: number): Promise<readonly StoredBatch[] | undefined> {
    if (at > 0 && this.#cache.has(blockKey(extent, blocks[at - 1]!))) this.#readAhead(extent, blocks, at + 1)
    const batches = await this.#read(extent, blocks[at]!)
    return batches && batchesOf(extent, batches)
  }

  /** Whether a block is in memory. */
  has(extent: Extent, block: Block): boolean {
    return this.#cache.has(blockKey(extent, block))
  }

  #readAhead(extent: Extent, blocks: readonly Block[], from: number): void {
    for (const block of blocks.slice(from, from + BLOCKS_AHEAD)) {
      if (this.#getting >= GETS_MAX) return
      // What fails here fails again, and is told, when it is asked for.
      if (!this.#cache.has(blockKey(extent, block))) this.#read(extent, block).catch(() => undefined)
    }
  }

  async #read(extent: Extent, block: Block): Promise<readonly StoredBatch[] | undefined> {
    const key = blockKey(extent, block)
    const cached = this.#cache.get(key)
    if (cached && 'batches' in cached) return cached.batches
    return this.#flights.run(key, async () => {
      const bytes = await this.#get(extent, block.position, block.length)
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
      this.#cache.set(key, { batches }, { size: block.length + BATCH_OVERHEAD_BYTES * (batches.length + 1) })
      return batches
    })
  }

  async #get(extent: Extent, from: number, length: number): Promise<Uint8Array | undefined> {
    this.#getting++
    try {
      const lane = this.#lanes[this.#lane++ % GETS_MAX]!
      return await lane.run(() => this.#objects.get(extent.object, { from, length }))
    } finally {
      this.#getting--
    }
  }
}

function blockKey(extent: Extent, block: Block): string {
  return `${extent.object}/${block.position}`
}
