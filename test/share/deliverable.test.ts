import { expect, test } from 'vitest'
import { buildBatch, buildEmptyBatch, writeOffset } from '../../lib/records/index.ts'
import { findDeliverable } from '../../lib/share/deliverable.ts'

test('what compaction left empty is given to nobody', () => {
  const bytes = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('a'), headers: [] }] })
  writeOffset(bytes, 3)
  const empty = buildEmptyBatch(9).bytes
  const { spans, batches } = findDeliverable({ batches: [bytes, empty], abortedTransactions: [] })
  expect(spans).toEqual([{ first: 3, last: 3 }])
  // It is looked at all the same: a group gets past it.
  expect(batches.at(-1)).toMatchObject({ first: 9, last: 9 })
})
