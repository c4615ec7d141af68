/** Stored formats: what is written is read back, and what is not known is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptDataError } from '../../lib/base/index.ts'
import { subscribedTopics } from '../../lib/groups/consumer-subscription.ts'
import {
  type ClassicDocument,
  decodeGroupDocument,
  encodeGroupDocument,
  memberBytesMax,
} from '../../lib/groups/group-document.ts'
import { checkGroupListing, encodeGroupListing } from '../../lib/groups/group-listing.ts'
import {
  blockOf,
  decodeOffsetsBlock,
  encodeOffsetsBlock,
  offsetsBlockKey,
  topicIdOfSortKey,
} from '../../lib/groups/offsets-block.ts'

const whole = fc.maxSafeNat()
const maybe = fc.option(fc.string(), { nil: undefined })
const someBytes = fc.uint8Array({ maxLength: 20 }).map(array => Buffer.from(array))

const groupDocument: fc.Arbitrary<ClassicDocument> = fc.record({
  kind: fc.constant('classic'),
  incarnation: whole,
  coordinator: whole,
  state: fc.constantFrom('Empty', 'CompletingRebalance', 'Stable', 'Dead'),
  stateChangedAt: whole,
  generation: fc.nat(),
  protocolType: maybe,
  protocolName: maybe,
  leader: maybe,
  rejoin: fc.boolean(),
  members: fc.array(
    fc.record({
      id: fc.string(),
      instanceId: maybe,
      clientId: fc.string({ unit: 'grapheme' }),
      clientHost: fc.string(),
      sessionTimeoutMs: fc.nat(),
      rebalanceTimeoutMs: fc.integer(),
      protocols: fc.array(fc.record({ name: fc.string(), metadata: someBytes }), { maxLength: 3 }),
      assignment: someBytes,
    }),
    { maxLength: 5 },
  ),
})

describe('a group document', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(groupDocument, group => {
        expect(decodeGroupDocument(encodeGroupDocument(group))).toEqual(group)
      }),
    )
  })

  test('is not larger than its members say', () => {
    fc.assert(
      fc.property(groupDocument, group => {
        const most = group.members.reduce((sum, member) => sum + memberBytesMax(member), 0)
        const rest = encodeGroupDocument({ ...group, members: [] }).length
        expect(encodeGroupDocument(group).length).toBeLessThanOrEqual(most + rest + 8)
      }),
    )
  })

  test('keeps equal metadata once', () => {
    const metadata = new Uint8Array(10_000).fill(7)
    const members = Array.from({ length: 20 }, (_, i) => ({
      id: `m${i}`,
      instanceId: undefined,
      clientId: 'c',
      clientHost: '/h',
      sessionTimeoutMs: 1,
      rebalanceTimeoutMs: 1,
      protocols: [{ name: 'range', metadata: new Uint8Array(metadata) }],
      assignment: new Uint8Array(metadata),
    }))
    const [group] = fc.sample(groupDocument, 1)
    expect(encodeGroupDocument({ ...group!, members }).length).toBeLessThan(12_000)
  })

  test('of another format or kind is refused', () => {
    const [group] = fc.sample(groupDocument, 1)
    const encoded = encodeGroupDocument(group!)
    for (const place of [0, 1]) {
      const other = new Uint8Array(encoded)
      other[place] = 99
      expect(() => decodeGroupDocument(other)).toThrow(/unknown kind 99|format 99 is newer/)
    }
    expect(() => decodeGroupDocument(encoded.subarray(0, encoded.length - 1))).toThrow(CorruptDataError)
  })
})

describe('a block of offsets', () => {
  const stored = fc.record({
    offset: fc.oneof(whole, fc.constant(-1)),
    leaderEpoch: fc.integer({ min: -1 }),
    metadata: fc.string({ unit: 'grapheme' }),
    committedAt: whole,
  })
  const block = fc.record({
    incarnation: whole,
    offsets: fc.array(fc.tuple(fc.nat(), stored), { maxLength: 16 }).map(entries => new Map(entries)),
    staged: fc.array(fc.record({ producerId: whole, transaction: whole, partition: fc.nat(), stored }), {
      maxLength: 5,
    }),
    ended: fc.array(fc.tuple(whole, whole), { maxLength: 5 }).map(entries => new Map(entries)),
  })

  test('is read as it was written', () => {
    fc.assert(
      fc.property(block, value => {
        expect(decodeOffsetsBlock(encodeOffsetsBlock(value))).toEqual(value)
      }),
    )
  })

  const emptyBlock = { incarnation: 1, offsets: new Map(), staged: [], ended: new Map() }

  test('of the first format, without transactions, is read', () => {
    const offset = { offset: 7, leaderEpoch: -1, metadata: '', committedAt: 9 }
    expect(decodeOffsetsBlock(Uint8Array.of(1, 1, 1, 3, 0, 7, 1, 0, 9))).toEqual({
      ...emptyBlock,
      offsets: new Map([[3, offset]]),
    })
  })

  test('of another format is refused', () => {
    const encoded = new Uint8Array(encodeOffsetsBlock(emptyBlock))
    encoded[0] = 9
    expect(() => decodeOffsetsBlock(encoded)).toThrow(/format 9 is newer/)
  })

  test('holds 16 partitions of a topic, and its key tells the topic and sorts by block', () => {
    const id = '0123456789abcdef0123456789abcdef'
    expect([0, 15, 16, 4_095].map(blockOf)).toEqual([0, 0, 1, 255])
    const keys = [0, 1, 16, 300].map(number => offsetsBlockKey('g', id, number))
    expect(keys.map(({ sk }) => sk).sort()).toEqual(keys.map(({ sk }) => sk))
    expect(keys[0]!.pk).toBe('group#g')
    expect(topicIdOfSortKey(keys[3]!.sk)).toBe(id)
  })
})

test('a group listing of another format is refused', () => {
  checkGroupListing(encodeGroupListing())
  expect(() => checkGroupListing(Uint8Array.of(9))).toThrow(CorruptDataError)
})

describe('a consumer subscription', () => {
  test('tells its topics, whatever follows', () => {
    const subscription = Buffer.from('000100000002000161000362c3a900000000', 'hex')
    expect(subscribedTopics(subscription)).toEqual(['a', 'bé'])
    expect(subscribedTopics(subscription.subarray(0, 14))).toEqual(['a', 'bé'])
  })

  test('that is none tells nothing', () => {
    for (const hex of ['', '00', 'ffff00000000', '0000000000010005', '000000000001ffff']) {
      expect(subscribedTopics(Buffer.from(hex, 'hex'))).toBeUndefined()
    }
  })
})
