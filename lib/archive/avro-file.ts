/**
 * Avro's object container files (Avro specification, "Object Container Files"), as Iceberg's manifests are: a schema with field ids, and
 * metadata, in their head. Written and read at once in this thread: what is compressed on others comes back at no certain time,
 * and the simulation has no word in it.
 */
import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import avro from 'avsc'

/** An Avro schema as JSON; attributes that Avro does not know (`field-id`) are kept in the file. */
export type AvroSchema = avro.Schema

const SYNC_BYTES = 16
/** A block ends at so many bytes of rows, before it is compressed. */
const BLOCK_BYTES = 65_536
const MAGIC = Buffer.from('Obj\x01', 'latin1')

const HEAD = avro.Type.forSchema({
  type: 'record',
  name: 'head',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'magic', size: MAGIC.length } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'sync', size: SYNC_BYTES } },
  ],
})
/** Making one takes longer than a file. */
const TYPES_MAX = 16
const types = new Map<string, avro.Type>()
const LONG = avro.Type.forSchema('long')
const BYTES = avro.Type.forSchema('bytes')
/** Other programs draw ids of snapshots from all 64 bits. */
const EXACT_LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const value = bytes.readBigInt64LE()
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  },
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: Number,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

export function encodeAvroFile(
  schema: AvroSchema,
  metadata: Readonly<Record<string, string>>,
  rows: readonly unknown[],
): Buffer {
  const text = JSON.stringify(schema)
  const type = typeOf(text)
  const texts = { 'avro.schema': text, 'avro.codec': 'deflate', ...metadata }
  const meta = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]))
  const blocks = blocksOf(rows.map(row => type.toBuffer(row)))
  const sync = syncMarker(meta['avro.schema']!, blocks)
  const encoded = blocks.flatMap(({ count, bytes }) => [LONG.toBuffer(count), BYTES.toBuffer(bytes), sync])
  return Buffer.concat([HEAD.toBuffer({ magic: MAGIC, meta, sync }), ...encoded])
}

/** Longs are numbers, and bigints where a number would not be exact. @throws Error where the bytes are no such file */
export function decodeAvroFile(bytes: Uint8Array): unknown[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const read = <T>(type: avro.Type): T => {
    const { value, offset } = type.decode(file, at)
    if (offset < 0) throw new Error('the file ends early')
    at = offset
    return value
  }
  const { magic, meta, sync } = read<{ magic: Buffer; meta: Record<string, Buffer>; sync: Buffer }>(HEAD)
  if (!magic.equals(MAGIC)) throw new Error('no Avro file')
  const { 'avro.schema': schema, 'avro.codec': codec } = meta
  const isDeflated = codec?.toString() === 'deflate'
  if (!schema || !(isDeflated || codec === undefined || codec.toString() === 'null')) {
    throw new Error(`Avro compressed with ${codec}`)
  }
  const type = typeOf(schema.toString())
  const rows: unknown[] = []
  while (at < file.length) {
    const count = read<number>(LONG)
    const stored = read<Buffer>(BYTES)
    const block = isDeflated ? inflateRawSync(stored) : stored
    for (let row = 0, from = 0; row < count; row++) {
      const { value, offset } = type.decode(block, from)
      if (offset < 0) throw new Error('a block ends early')
      rows.push(value)
      from = offset
    }
    if (!file.subarray(at, at + SYNC_BYTES).equals(sync)) throw new Error('a block that is not whole')
    at += SYNC_BYTES
  }
  return rows
}

function typeOf(schema: string): avro.Type {
  const known = types.get(schema)
  if (known) return known
  const type = avro.Type.forSchema(JSON.parse(schema), { registry: { long: EXACT_LONG } })
  if (types.size >= TYPES_MAX) types.clear()
  types.set(schema, type)
  return type
}

interface Block {
  readonly count: number
  /** Compressed. */
  readonly bytes: Buffer
}

function blocksOf(rows: readonly Buffer[]): Block[] {
  const blocks: Block[] = []
  let some: Buffer[] = []
  let length = 0
  const end = () => {
    if (some.length > 0) blocks.push({ count: some.length, bytes: deflateRawSync(Buffer.concat(some)) })
    some = []
    length = 0
  }
  for (const row of rows) {
    some.push(row)
    length += row.length
    if (length >= BLOCK_BYTES) end()
  }
  end()
  return blocks
}

/** Unlike any that the file has in it: readers look for it between blocks. */
function syncMarker(schema: Buffer, blocks: readonly Block[]): Buffer {
  const hash = createHash('sha256').update(schema)
  for (const { bytes } of blocks) hash.update(bytes)
  return hash.digest().subarray(0, SYNC_BYTES)
}
