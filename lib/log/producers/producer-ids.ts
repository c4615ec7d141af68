/**
 * Producer ids come in blocks from one counter item (`pid` / `next`). A block is used by the process that moved the
 * counter past it; what a process does not use is lost, which harms nobody.
 */
import { ByteReader, ByteWriter, checkFormat, drawToken, Mailbox, type Random } from '../../base/index.ts'
import { type ItemStore, StoreError } from '../../storage/index.ts'
import type { ProducerIds } from '../contract.ts'

export const producerIdsKey = { pk: 'pid', sk: 'next' }
const FORMAT_VERSION = 1
export const PRODUCER_ID_BLOCK = 1_000
const ATTEMPTS_MAX = 50

export class BlockProducerIds implements ProducerIds {
  readonly #items: ItemStore
  readonly #random: Random
  readonly #mailbox = new Mailbox()
  #next = 0
  #end = 0

  constructor(items: ItemStore, random: Random) {
    this.#items = items
    this.#random = random
  }

  next(): Promise<number> {
    return this.#mailbox.run(async () => {
      if (this.#next === this.#end) await this.#takeBlock()
      return this.#next++
    })
  }

  async #takeBlock(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#items.get(producerIdsKey)
      const first = item ? decodeCounter(item.value) : 0
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
