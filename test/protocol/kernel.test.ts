import { describe, expect, it } from 'vitest'
import {
  array,
  BY_REFERENCE_BYTES,
  between,
  boolean,
  bytes,
  Encoder,
  type Fields,
  FRAME_ELEMENTS_MAX,
  float64,
  int8,
  int16,
  int32,
  int64,
  int64Clamped,
  message,
  nullableArray,
  nullableBytes,
  nullableRecords,
  nullableSince,
  nullableString,
  nullableStruct,
  ProtocolError,
  records,
  since,
  string,
  struct,
  tagged,
  uint16,
  uint32,
  until,
  uuid,
  type WireType,
} from '../../lib/protocol/kernel/index.ts'

const hex = (parts: Uint8Array[]) => Buffer.concat(parts).toString('hex')
const fromHex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** A message whose version 0 is plain and whose version 1 is flexible. */
const both = <F extends Fields>(fields: F) => message({ versions: [0, 1], flexible: 1, fields })
const code = (run: () => unknown) => {
  try {
    run()
    return 'no error'
  } catch (error) {
    return error instanceof ProtocolError ? error.code : error
  }
}

describe('field types on the wire', () => {
  const cases: [string, WireType, unknown, string, string][] = [
    ['int8', int8, -2, 'fe', 'fe'],
    ['int16', int16, -2, 'fffe', 'fffe'],
    ['int32', int32, 258, '00000102', '00000102'],
    ['int64', int64, -1, 'ffffffffffffffff', 'ffffffffffffffff'],
    ['int64, large', int64, Number.MAX_SAFE_INTEGER, '001fffffffffffff', '001fffffffffffff'],
    ['int64, small', int64, Number.MIN_SAFE_INTEGER, 'ffe0000000000001', 'ffe0000000000001'],
    ['uint16', uint16, 65_535, 'ffff', 'ffff'],
    ['uint32', uint32, 2 ** 32 - 1, 'ffffffff', 'ffffffff'],
    ['float64', float64, -1.5, 'bff8000000000000', 'bff8000000000000'],
    ['boolean', boolean, true, '01', '01'],
    [
      'uuid',
      uuid,
      '000102030405060708090a0b0c0d0eff',
      '000102030405060708090a0b0c0d0eff',
      '000102030405060708090a0b0c0d0eff',
    ],
    ['string', string, 'é', '0002c3a9', '03c3a9'],
    ['nullableString', nullableString, null, 'ffff', '00'],
    ['bytes', bytes, fromHex('0102'), '000000020102', '030102'],
    ['nullableBytes', nullableBytes, null, 'ffffffff', '00'],
    ['nullableRecords', nullableRecords, null, 'ffffffff', '00'],
    ['array', array(int8), [1, 2], '000000020102', '030102'],
    ['empty array', array(int8), [], '00000000', '01'],
    ['nullableArray', nullableArray(int8), null, 'ffffffff', '00'],
    ['struct', struct({ a: int8 }), { a: 1 }, '01', '0100'],
    ['nullableStruct', nullableStruct({ a: int8 }), { a: 1 }, '0101', '010100'],
    ['nullableStruct, null', nullableStruct({ a: int8 }), null, 'ff', 'ff'],
  ]

  it.each(cases)('%s', (_, type, value, plain, flexible) => {
    const table = both({ field: type })
    expect(hex(table.encode({ field: value }, 0))).toBe(plain)
    expect(hex(table.encode({ field: value }, 1))).toBe(`${flexible}00`)
    expect(table.decode(fromHex(plain), 0)).toEqual({ field: value })
    expect(table.decode(fromHex(`${flexible}00`), 1)).toEqual({ field: value })
  })
})

describe('values that do not fit', () => {
  it('are refused when written', () => {
    const cases: [WireType, unknown][] = [
      [int8, 128],
      [int16, -32_769],
      [int32, 2 ** 31],
      [int32, 1.5],
      [int64, 2 ** 53],
      [uint16, -1],
      [uint32, 2 ** 32],
      [uuid, 'not a uuid'],
      [uuid, 'g'.repeat(32)],
      [string, null],
      [string, 'x'.repeat(32_768)],
      [bytes, null],
      [array(int8), null],
    ]
    for (const [type, value] of cases) {
      expect(code(() => both({ field: type }).encode({ field: value }, 0))).toBe('UNENCODABLE')
      expect(code(() => both({ field: type }).encode({ field: value }, 1))).toBe('UNENCODABLE')
    }
  })

  it('are refused when read', () => {
    const cases: [WireType, string][] = [
      [int64, '0020000000000000'], // 2^53
      [int64, 'ffe0000000000000'], // -2^53
      [int64, '7fffffffffffffff'],
      [string, 'ffff'], // null
      [nullableString, 'fffe'],
      [bytes, 'ffffffff'],
      [array(int8), 'ffffffff'],
      [nullableArray(int8), 'fffffffe'],
    ]
    for (const [type, frame] of cases) {
      expect(code(() => both({ field: type }).decode(fromHex(frame), 0))).toBe('MALFORMED')
    }
    // Flexible: null where there is none, a varint of more than 32 bits, a string above 32,767 bytes.
    for (const frame of ['00', 'ffffffff7f', 'ffffffffffff01', `818002${'00'.repeat(32_769)}`]) {
      expect(code(() => both({ field: string }).decode(fromHex(frame), 1))).toBe('MALFORMED')
    }
  })

  it('become the nearest safe integer where a field says so', () => {
    const table = both({ field: int64Clamped })
    expect(table.decode(fromHex('7fffffffffffffff'), 0).field).toBe(Number.MAX_SAFE_INTEGER)
    expect(table.decode(fromHex('8000000000000000'), 0).field).toBe(Number.MIN_SAFE_INTEGER)
    expect(table.decode(fromHex('fffffffffffffffe'), 0).field).toBe(-2)
  })
})

describe('hostile lengths', () => {
  it('are refused before room is made for them', () => {
    const table = both({ items: array({ name: string, id: int32 }), data: bytes })
    for (const frame of ['7fffffff', '00000002 0001 61 00000001', '00000000 7fffffff', '00000000 00000002 01']) {
      expect(code(() => table.decode(fromHex(frame), 0))).toBe('MALFORMED')
    }
    for (const frame of ['ffffffff0f', '03 02 61 00000001 00', '01 ffffffff0f']) {
      expect(code(() => table.decode(fromHex(frame), 1))).toBe('MALFORMED')
    }
  })

  it('cannot make more array elements than a frame may have, nested ones counted', () => {
    const table = message({ versions: [0, 0], fields: { rows: array({ cells: array(int8) }) } })
    const rows = [{ cells: new Array(FRAME_ELEMENTS_MAX - 2).fill(0) }, { cells: [] as number[] }]
    expect(table.decode(Buffer.concat(table.encode({ rows }, 0)), 0).rows).toHaveLength(2)
    rows[1] = { cells: [0] }
    expect(code(() => table.decode(Buffer.concat(table.encode({ rows }, 0)), 0))).toBe('MALFORMED')
  })
})

describe('versions', () => {
  const table = message({
    versions: [0, 4],
    fields: { always: int8, late: since(2, int8, -1), early: until(1, int8, -2), middle: between([1, 3], int8, -3) },
  })

  it('have only their fields on the wire, the others get their default', () => {
    const value = { always: 1, late: 2, early: 3, middle: 4 }
    expect(hex(table.encode(value, 0))).toBe('0103')
    expect(hex(table.encode(value, 1))).toBe('010304')
    expect(hex(table.encode(value, 3))).toBe('010204')
    expect(hex(table.encode(value, 4))).toBe('0102')
    expect(table.decode(fromHex('0103'), 0)).toEqual({ always: 1, late: -1, early: 3, middle: -3 })
    expect(table.decode(fromHex('0102'), 4)).toEqual({ always: 1, late: 2, early: -2, middle: -3 })
  })

  it('write the default of a field that was left out', () => {
    expect(hex(table.encode({ always: 1 }, 3))).toBe('01fffd')
    expect(hex(table.encode({ always: 1, late: undefined }, 3))).toBe('01fffd')
  })

  it('that cannot say null write an empty string or array for it, and refuse to read it', () => {
    const later = message({
      versions: [0, 1],
      fields: { name: nullableSince(1, nullableString), ids: nullableSince(1, nullableArray(int8)) },
    })
    expect(hex(later.encode({ name: null, ids: null }, 0))).toBe('000000000000')
    expect(hex(later.encode({ name: null, ids: null }, 1))).toBe('ffffffffffff')
    expect(code(() => later.decode(fromHex('ffffffffffff'), 0))).toBe('MALFORMED')
    expect(later.decode(fromHex('ffffffffffff'), 1)).toEqual({ name: null, ids: null })
  })
})

describe('tagged fields', () => {
  const table = message({
    versions: [0, 2],
    flexible: 1,
    fields: {
      plain: int8,
      second: tagged(5, 2, struct({ id: int32 }), { id: -1 }),
      first: tagged(0, 1, nullableString, null),
    },
  })

  it('go over the wire by tag, where they are not at their default', () => {
    expect(hex(table.encode({ plain: 1 }, 2))).toBe('0100')
    expect(hex(table.encode({ plain: 1, second: { id: -1 }, first: null }, 2))).toBe('0100')
    expect(hex(table.encode({ plain: 1, second: { id: 7 }, first: 'a' }, 2))).toBe(
      '0102 00020261 05050000000700'.replaceAll(' ', ''),
    )
    expect(hex(table.encode({ plain: 1, second: { id: 7 }, first: 'a' }, 1))).toBe('010100020261')
    expect(hex(table.encode({ plain: 1, second: { id: 7 }, first: 'a' }, 0))).toBe('01')
  })

  it('are read in any order, and skipped where they are not known', () => {
    const frame = fromHex('01 03 05 05 00000007 00 63 02 abcd 00 02 0261')
    expect(table.decode(frame, 2)).toEqual({ plain: 1, second: { id: 7 }, first: 'a' })
    expect(table.decode(frame, 1)).toEqual({ plain: 1, second: { id: -1 }, first: 'a' })
  })

  it('must fill their length, and keep within it', () => {
    for (const frame of ['01 01 00 03 026100', '01 01 00 01 0261', '01 01 00 7f 0261']) {
      expect(code(() => table.decode(fromHex(frame), 2))).toBe('MALFORMED')
    }
  })
})

describe('large values', () => {
  const batch = Buffer.alloc(BY_REFERENCE_BYTES, 7)

  it('are written without a copy, records part by part', () => {
    const table = both({ records: nullableRecords, after: int8, data: bytes })
    const parts = table.encode({ records: [batch, batch], after: 1, data: batch }, 0)
    expect(parts.filter(part => part === batch)).toHaveLength(3)
    const decoded = table.decode(Buffer.concat(parts), 0)
    expect(decoded).toEqual({ records: Buffer.concat([batch, batch]), after: 1, data: batch })
  })

  it('are read as views of the frame', () => {
    const table = both({ records })
    const frame = Buffer.concat(table.encode({ records: [batch] }, 0))
    const decoded = table.decode(frame, 0).records
    frame[4] = 9
    expect(decoded[0]).toBe(9)
  })

  it('may stand in tagged fields', () => {
    const table = message({ versions: [0, 0], flexible: 0, fields: { data: tagged(0, 0, bytes, batch.subarray(1)) } })
    expect(table.decode(Buffer.concat(table.encode({ data: batch }, 0)), 0)).toEqual({ data: batch })
  })

  it('do not disturb what is written around them, wherever a chunk ends', () => {
    const table = message({ versions: [0, 0], fields: { rows: array({ id: int64, name: string, data: bytes }) } })
    for (let size = 0; size < 2_100; size += 13) {
      const rows = Array.from({ length: 40 }, (_, id) => ({ id, name: `é${id}`, data: Buffer.alloc(size + id, id) }))
      expect(table.decode(Buffer.concat(table.encode({ rows }, 0)), 0)).toEqual({ rows })
    }
  })
})

it('counts what it has written', () => {
  const encoder = new Encoder()
  encoder.int32(1)
  encoder.bytes(Buffer.alloc(5_000))
  encoder.varint(300)
  expect(encoder.length).toBe(5_006)
  expect(Buffer.concat(encoder.finish())).toHaveLength(5_006)
})
