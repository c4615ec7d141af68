import { expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import { StickyPartitions } from '../../lib/http/produce/sticky-partitions.ts'

test('keyless records stay where they are for a batch, and come to all partitions in time', () => {
  const sticky = new StickyPartitions(systemRandom)
  const seen = Array.from({ length: 4_000 }, () => sticky.next('t', 4, 1_024))
  for (let batch = 0; batch < seen.length; batch += 16) expect(new Set(seen.slice(batch, batch + 16)).size).toBe(1)
  expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]))
})
