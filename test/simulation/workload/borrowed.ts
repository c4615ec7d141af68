import type { Loans } from '../../../lib/base/index.ts'
import { DecodeError, decodeBatch } from './batch.ts'

/** What a reader was lent last: it looks at it once more before it gives it back, as a socket does that is slow to send. */
export class Borrowed {
  #loans: Loans | undefined
  #batches: readonly Uint8Array[] = []
  #bases: readonly number[] = []

  keep(loans: Loans, batches: readonly Uint8Array[], bases: readonly number[]): void {
    this.#loans = loans
    this.#batches = batches
    this.#bases = bases
  }

  /** @throws DecodeError where the bytes are no longer what they were */
  giveBack(): void {
    for (const [index, batch] of this.#batches.entries()) {
      const { base } = decodeBatch(batch)
      if (base !== this.#bases[index]) throw new DecodeError(`lent at ${this.#bases[index]}, now at ${base}`)
    }
    this.#loans?.giveBack()
    this.#loans = undefined
    this.#batches = []
  }
}
