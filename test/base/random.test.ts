import { expect, test } from 'vitest'
import { hexOf, systemRandom } from '../../lib/base/index.ts'

test('no draw is given twice, whatever the lengths', () => {
  const seen = new Set<string>()
  let draws = 0
  for (let round = 0; round < 3_000; round++) {
    for (const length of [8, 10, 16, 31]) {
      seen.add(Buffer.from(systemRandom.bytes(length)).toString('hex'))
      draws++
    }
  }
  expect(seen.size).toBe(draws)
})

test('a draw is the caller’s own, of the length asked for', () => {
  const first = systemRandom.bytes(16)
  const kept = Buffer.from(first)
  for (const length of [0, 1, 4_096, 4_097, 100_000]) {
    const drawn = systemRandom.bytes(length)
    expect(drawn).toHaveLength(length)
    drawn.fill(0)
  }
  expect(Buffer.from(first)).toEqual(kept)
  expect(first.buffer.byteLength).toBe(16)
})

test('every value of a byte comes', () => {
  const seen = new Set([...systemRandom.bytes(50_000)].map(byte => hexOf(byte, 2)))
  expect(seen.size).toBe(256)
})
