import { expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import { murmur2, partitionOfKey, StickyPartitions } from '../../lib/http/produce/partitioner.ts'

// From Apache Kafka's UtilsTest.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is as in Kafka', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

test('a negative hash gives a partition too', () => {
  expect(partitionOfKey(Buffer.from('foobar'), 10)).toBe((-790332482 & 0x7fffffff) % 10)
})

test('keyless records stay where they are for a batch, and come to all partitions in time', () => {
  const sticky = new StickyPartitions(systemRandom)
  const seen = Array.from({ length: 4_000 }, () => sticky.next('t', 4, 1_024))
  for (let batch = 0; batch < seen.length; batch += 16) expect(new Set(seen.slice(batch, batch + 16)).size).toBe(1)
  expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]))
})
