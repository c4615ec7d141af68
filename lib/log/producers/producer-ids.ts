/**
 * Producer ids come in blocks from one counter item (`pid` / `next`). A block is used by the process that moved the
 * counter past it; what a process does not use, or not within an hour, is lost, which harms nobody. Ids say when they were given out
 * (producer-id-age.ts).
 */
import { ByteReader, ByteWriter, type Clock, checkFormat, drawToken, Mailbox, type Random } from '../../base/index.ts'
import { type ItemStore, StoreError } from '../../storage/index.ts'
import type { ProducerIds } from '../contract.ts'
import { firstProducerIdOf } from './producer-id-age.ts'

export const producerIdsKey = { pk: 'pid', sk: 'next' }
const FORMAT_VERSION = 1
export const PRODUCER_ID_BLOCK = 1_000
const BLOCK_MS_MAX = 3_600_000
const ATTEMPTS_MAX = 50

export class BlockProducerIds implements ProducerIds {
  readonly #items: ItemStore
  readonly #clock: Clock
  readonly #random: Random
  readonly #mailbox = new Mailbox()
  #next = 0
  #end = 0
  /** When the block was taken, by the wall clock: a frozen process has no other that goes on. */
  #takenAt = 0

  constructor({ items, clock, random }: { readonly items: ItemStore; readonly clock: Clock; readonly random: Random }) {
    this.#items = items
    this.#clock = clock
    this.#random = random
  }

  next(): Promise<number> {
    return this.#mailbox.run(async () => {
      const age = Math.abs(this.#clock.now() - this.#takenAt)
      if (this.#next === this.#end || age >= BLOCK_MS_MAX) await this.#takeBlock()
      return this.#next++
    })
  }

  async #takeBlock(): Promise<void> {
    const takenAt = this.#clock.now()
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#items.get(producerIdsKey)
      const first = Math.max(firstProducerIdOf(takenAt), item ? decodeCounter(item.value) : 0)
      const outcome = await this.#items.write([
        {
          kind: 'put',
          key: producerIdsKey,
          expected: item?.version ?? 'absent',
          version: drawToken(this.#random),
          value: encodeCounter(first + PRODUCER_ID_BLOCK),
        },
      ])
      if (!outcome.written) continue
      this.#next = first
      this.#end = first + PRODUCER_ID_BLOCK
      this.#takenAt = takenAt
      return
    }
    throw new StoreError('STORE_THROTTLED', `the producer id counter changed ${ATTEMPTS_MAX} times in a row`)
  }
}

export function encodeCounter(next: number): Uint8Array {
  return new ByteWriter(16).uint8(FORMAT_VERSION).uint(next).finish()
}

/** @throws CorruptDataError */
export function decodeCounter(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('producer id counter', version, FORMAT_VERSION)
  return reader.uint()
}
