import { expect, test } from 'vitest'
import { choosePartitions, parsePosition } from '../../lib/cli/position.ts'

const now = Date.parse('2026-11-23T10:00:00Z')

test.each([
  ['earliest', { at: 'earliest' }],
  ['latest', { at: 'latest' }],
  ['0', { at: 'offset', offset: 0n }],
  ['9007199254740993', { at: 'offset', offset: 9007199254740993n }],
  ['-5', { at: 'before-end', records: 5n }],
  ['90s', { at: 'time', timestamp: BigInt(now - 90_000) }],
  ['2h', { at: 'time', timestamp: BigInt(now - 7_200_000) }],
  ['7d', { at: 'time', timestamp: BigInt(now - 7 * 86_400_000) }],
  ['2026-11-23T10:00:00Z', { at: 'time', timestamp: BigInt(now) }],
  ['2026-11-23', { at: 'time', timestamp: BigInt(Date.parse('2026-11-23')) }],
])('%s is a position', (text, position) => {
  expect(parsePosition(text, now)).toEqual(position)
})

test.each(['', 'tomorrow', '1.5', '--1', '5w', '2026-13-45', '1e3'])('%j is none', text => {
  expect(() => parsePosition(text, now)).toThrow(/is no position: use earliest, latest/)
})

test('partitions are chosen by number', () => {
  expect(choosePartitions(undefined, 3)).toEqual([0, 1, 2])
  expect(choosePartitions('2,0', 3)).toEqual([2, 0])
  expect(() => choosePartitions('3', 3)).toThrow('The topic has partitions 0 to 2, not 3.')
  expect(() => choosePartitions('x', 3)).toThrow('"x" is not a whole number from 0.')
})
