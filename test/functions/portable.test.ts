/** What stands in the place of native code in the functions' bundles does what the native code does. */
import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import * as nativeLz4 from 'lz4-napi'
import * as nativeSnappy from 'snappy'
import { expect, test } from 'vitest'
import { crc32c } from '../../functions/portable/crc32.ts'
import * as lz4 from '../../functions/portable/lz4.ts'
import * as snappy from '../../functions/portable/snappy.ts'

/** From what does not compress to what does. */
const contents = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 900 }))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)))

test('CRC-32C', () => {
  fc.assert(
    fc.property(contents, fc.nat(20), (bytes, cut) => {
      const view = bytes.subarray(Math.min(cut, bytes.length))
      expect(crc32c(view)).toBe(nativeCrc32c(view))
      expect(crc32c(view, crc32c(bytes))).toBe(nativeCrc32c(view, nativeCrc32c(bytes)))
    }),
  )
})

test('LZ4 blocks, and frames of them', () => {
  fc.assert(
    fc.property(contents, bytes => {
      const prefixed = nativeLz4.compressSync(bytes)
      expect(lz4.uncompressSync(prefixed)).toEqual(bytes)
      expect(nativeLz4.decompressFrameSync(lz4.compressFrameSync(bytes))).toEqual(bytes)
    }),
  )
})

test('broken LZ4 blocks are refused, or make no more than they may', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(5_000), (bytes, limit) => {
      const prefixed = Buffer.alloc(4 + bytes.length)
      prefixed.writeUInt32LE(limit)
      prefixed.set(bytes, 4)
      try {
        expect(lz4.uncompressSync(prefixed).length).toBeLessThanOrEqual(limit)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})

test('Snappy', () => {
  fc.assert(
    fc.property(contents, bytes => {
      expect(snappy.uncompressSync(nativeSnappy.compressSync(bytes))).toEqual(bytes)
      expect(nativeSnappy.uncompressSync(snappy.compressSync(bytes))).toEqual(bytes)
    }),
  )
})
