import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildBatch, checksumWith, viewBatch } from '../../lib/records/index.ts'

test('the checksum of bytes with a batch after them is that of a pass over all of them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 70_000 }), (before, value) => {
      const batch = viewBatch(buildBatch({ records: [{ key: null, value, headers: [], timestamp: 1 }] }))
      expect(checksumWith(crc32c(before), batch)).toBe(crc32c(Buffer.concat([before, batch.bytes])))
      expect(checksumWith(0, batch)).toBe(crc32c(batch.bytes))
    }),
  )
})
