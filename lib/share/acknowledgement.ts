/** The acknowledgements of a request as spans with one type each. Pure. */
import type { AcknowledgementBatch } from './contract.ts'
import { ShareError } from './errors.ts'
import type { Acknowledgement } from './share-partition.ts'

/** @throws ShareError INVALID_REQUEST unless the batches are in order, do not overlap, and have a type for all or for each offset */
export function spansOf(batches: readonly AcknowledgementBatch[]): Acknowledgement[] {
  let before = -1
  for (const { first, last, types } of batches) {
    if (first > last) throw refused(`offset ${first} comes after ${last}`)
    if (first <= before) throw refused(`offset ${first} is acknowledged twice, or out of order`)
    if (types.length === 0) throw refused('no acknowledge type')
    if (types.length > 1 && types.length !== last - first + 1) {
      throw refused(`${types.length} acknowledge types for ${last - first + 1} offsets`)
    }
    before = last
  }
  return batches.flatMap(({ first, last, types }) => {
    if (types.length === 1) return [{ first, last, type: types[0]! }]
    const spans: Acknowledgement[] = []
    for (const [i, type] of types.entries()) {
      const open = spans.at(-1)
      if (open?.type === type) spans[spans.length - 1] = { ...open, last: first + i }
      else spans.push({ first: first + i, last: first + i, type })
    }
    return spans
  })
}

function refused(message: string): ShareError {
  return new ShareError('INVALID_REQUEST', message)
}
