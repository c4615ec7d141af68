/**
 * Compiles a wire type into a codec for one version of a message: closures over the fields that this version has.
 * What a version lacks costs nothing at run time but its default.
 */
import { InvariantError } from '../../base/index.ts'
import { type Decoder, malformed } from './decoder.ts'
import { Encoder, unencodable } from './encoder.ts'
import { type Fields, type Scalar, VersionedField, type WireType } from './types.ts'

export interface Codec {
  /** The least that a value takes on the wire. */
  readonly minimumBytes: number
  read(decoder: Decoder): unknown
  write(encoder: Encoder, value: unknown): void
}

export interface Target {
  readonly version: number
  readonly flexible: boolean
}

export function compile(type: WireType, target: Target): Codec {
  const { shape } = type
  switch (shape.kind) {
    case 'string':
      return stringCodec(shape.nullable, target)
    case 'bytes':
      return bytesCodec(shape.nullable, target)
    case 'records':
      return recordsCodec(shape.nullable, target)
    case 'array':
      return arrayCodec(compile(shape.element, target), shape.nullable, target)
    case 'struct':
      return shape.nullable ? nullableStructCodec(shape.fields, target) : compileStruct(shape.fields, target)
    case 'nullableSince':
      return target.version >= shape.version ? compile(shape.type, target) : withoutNull(shape.type, target)
    default:
      return scalarCodec(shape.kind)
  }
}

// ---------------------------------------------------------------- scalars

function scalarCodec(kind: Scalar): Codec {
  switch (kind) {
    case 'int8':
      return codec<number>(
        1,
        d => d.int8(),
        (e, value) => e.int8(value),
      )
    case 'int16':
      return codec<number>(
        2,
        d => d.int16(),
        (e, value) => e.int16(value),
      )
    case 'int32':
      return codec<number>(
        4,
        d => d.int32(),
        (e, value) => e.int32(value),
      )
    case 'int64':
      return codec<number>(
        8,
        d => d.int64(),
        (e, value) => e.int64(value),
      )
    case 'int64Clamped':
      return codec<number>(
        8,
        d => d.int64Clamped(),
        (e, value) => e.int64(value),
      )
    case 'uint16':
      return codec<number>(
        2,
        d => d.uint16(),
        (e, value) => e.uint16(value),
      )
    case 'uint32':
      return codec<number>(
        4,
        d => d.uint32(),
        (e, value) => e.uint32(value),
      )
    case 'float64':
      return codec<number>(
        8,
        d => d.float64(),
        (e, value) => e.float64(value),
      )
    case 'boolean':
      return codec<boolean>(
        1,
        d => d.boolean(),
        (e, value) => e.boolean(value),
      )
    case 'uuid':
      return codec<string>(
        16,
        d => d.uuid(),
        (e, value) => e.uuid(value),
      )
  }
}

/** The one place where a table's types become a codec's `unknown`. */
function codec<T>(
  minimumBytes: number,
  read: (decoder: Decoder) => T,
  write: (encoder: Encoder, value: T) => void,
): Codec {
  return { minimumBytes, read, write: (encoder, value) => write(encoder, value as T) }
}

// ---------------------------------------------------------------- lengths

/** How a length or count that may be absent (-1: null) is written: plain signed, or one up in a varint (KIP-482). */
interface Prefix {
  readonly bytes: number
  readonly maximum: number
  read(decoder: Decoder): number
  write(encoder: Encoder, length: number): void
}

const STRING_BYTES_MAX = 0x7fff
const LENGTH_MAX = 0x7fffffff

const compact = (maximum: number): Prefix => ({
  bytes: 1,
  maximum,
  read: decoder => decoder.varint() - 1,
  write: (encoder, length) => encoder.varint(length + 1),
})
const compactString = compact(STRING_BYTES_MAX)
const compactLength = compact(LENGTH_MAX)
const shortLength: Prefix = {
  bytes: 2,
  maximum: STRING_BYTES_MAX,
  read: decoder => decoder.int16(),
  write: (encoder, length) => encoder.int16(length),
}
const longLength: Prefix = {
  bytes: 4,
  maximum: LENGTH_MAX,
  read: decoder => decoder.int32(),
  write: (encoder, length) => encoder.int32(length),
}

/** Reads a length; -1 only where null is allowed. */
function readLength(decoder: Decoder, prefix: Prefix, nullable: boolean): number {
  const length = prefix.read(decoder)
  if (length < (nullable ? -1 : 0)) throw malformed(`a length of ${length}`)
  return length
}

function writeLength(encoder: Encoder, prefix: Prefix, length: number): void {
  if (length > prefix.maximum) throw unencodable(length, `length on this wire, which ends at ${prefix.maximum}`)
  prefix.write(encoder, length)
}

function writeNull(encoder: Encoder, prefix: Prefix, nullable: boolean): void {
  if (!nullable) throw unencodable(null, 'value of a field that must have one')
  prefix.write(encoder, -1)
}

function stringCodec(nullable: boolean, { flexible }: Target): Codec {
  const prefix = flexible ? compactString : shortLength
  return codec<string | null>(
    prefix.bytes,
    decoder => {
      const length = readLength(decoder, prefix, nullable)
      if (length > STRING_BYTES_MAX) throw malformed(`a string of ${length} bytes`)
      return length < 0 ? null : decoder.string(length)
    },
    (encoder, value) => {
      if (value === null) return writeNull(encoder, prefix, nullable)
      const length = Buffer.byteLength(value, 'utf8')
      writeLength(encoder, prefix, length)
      encoder.text(value, length)
    },
  )
}

function bytesCodec(nullable: boolean, { flexible }: Target): Codec {
  const prefix = flexible ? compactLength : longLength
  return codec<Uint8Array | null>(
    prefix.bytes,
    decoder => {
      const length = readLength(decoder, prefix, nullable)
      return length < 0 ? null : decoder.bytes(length)
    },
    (encoder, value) => {
      if (value === null) return writeNull(encoder, prefix, nullable)
      writeLength(encoder, prefix, value.length)
      encoder.bytes(value)
    },
  )
}

function recordsCodec(nullable: boolean, target: Target): Codec {
  const prefix = target.flexible ? compactLength : longLength
  const { read } = bytesCodec(nullable, target)
  return codec<unknown>(prefix.bytes, read, (encoder, value) => {
    if (value === null) return writeNull(encoder, prefix, nullable)
    const parts = value as readonly Uint8Array[]
    let length = 0
    for (const part of parts) length += part.length
    writeLength(encoder, prefix, length)
    for (const part of parts) encoder.bytes(part)
  })
}

function arrayCodec(element: Codec, nullable: boolean, { flexible }: Target): Codec {
  const prefix = flexible ? compactLength : longLength
  return codec<readonly unknown[] | null>(
    prefix.bytes,
    decoder => {
      const count = readLength(decoder, prefix, nullable)
      if (count < 0) return null
      decoder.expectElements(count, element.minimumBytes)
      const values: unknown[] = []
      for (let i = 0; i < count; i++) values.push(element.read(decoder))
      return values
    },
    (encoder, values) => {
      if (values === null) return writeNull(encoder, prefix, nullable)
      writeLength(encoder, prefix, values.length)
      for (const value of values) element.write(encoder, value)
    },
  )
}

/** A nullable string or array in a version that has no null. */
function withoutNull(type: WireType, target: Target): Codec {
  const { shape } = type
  if (shape.kind !== 'string' && shape.kind !== 'array') throw new InvariantError(`${shape.kind} in nullableSince`)
  const isArray = shape.kind === 'array'
  const plain = isArray ? arrayCodec(compile(shape.element, target), false, target) : stringCodec(false, target)
  const empty = isArray ? [] : ''
  return {
    minimumBytes: plain.minimumBytes,
    read: plain.read,
    write: (encoder, value) => plain.write(encoder, value ?? empty),
  }
}

// ---------------------------------------------------------------- structs

type Values = Record<string, unknown>

interface FieldCodec {
  readonly name: string
  readonly codec: Codec
  readonly absent: unknown
}

interface TaggedCodec extends FieldCodec {
  readonly tag: number
}

export function compileStruct(fields: Fields, target: Target): Codec {
  const { plain, tags, absent } = fieldsOf(fields, target)
  const tagCodecs = new Map(tags.map(field => [field.tag, field]))
  const minimumBytes = plain.reduce((sum, field) => sum + field.codec.minimumBytes, target.flexible ? 1 : 0)
  return codec<Values>(
    minimumBytes,
    decoder => {
      const value: Values = {}
      for (const { name, codec } of plain) value[name] = codec.read(decoder)
      for (const { name, absent: fallback } of absent) value[name] = fallback
      if (target.flexible) readTags(decoder, tagCodecs, value)
      return value
    },
    (encoder, value) => {
      for (const { name, codec, absent: fallback } of plain) {
        const given = value[name]
        codec.write(encoder, given === undefined ? fallback : given)
      }
      if (target.flexible) writeTags(encoder, tags, value)
    },
  )
}

/** Fields on the wire in order, tagged fields by tag, and the fields that decode to their default unless a tag brings them. */
function fieldsOf(fields: Fields, target: Target) {
  const plain: FieldCodec[] = []
  const tags: TaggedCodec[] = []
  const absent: { readonly name: string; readonly absent: unknown }[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!(field instanceof VersionedField)) {
      plain.push({ name, codec: compile(field, target), absent: undefined })
      continue
    }
    const present = field.versions[0] <= target.version && target.version <= field.versions[1]
    if (!present || field.tag !== undefined) absent.push({ name, absent: field.absent })
    if (!present) continue
    const compiled = { name, codec: compile(field.type, target), absent: field.absent }
    if (field.tag === undefined) plain.push(compiled)
    else tags.push({ ...compiled, tag: field.tag })
  }
  tags.sort((a, b) => a.tag - b.tag)
  return { plain, tags, absent }
}

function readTags(decoder: Decoder, known: ReadonlyMap<number, TaggedCodec>, value: Values): void {
  const count = decoder.varint()
  for (let i = 0; i < count; i++) {
    const tag = decoder.varint()
    const length = decoder.varint()
    const field = known.get(tag)
    if (field === undefined) decoder.skip(length)
    else value[field.name] = decoder.within(length, field.codec.read)
  }
}

function writeTags(encoder: Encoder, tags: readonly TaggedCodec[], value: Values): void {
  const given = tags.length === 0 ? tags : tags.filter(field => isGiven(value[field.name], field.absent))
  encoder.varint(given.length)
  for (const { name, tag, codec } of given) {
    const payload = new Encoder()
    codec.write(payload, value[name])
    encoder.varint(tag)
    encoder.varint(payload.length)
    encoder.append(payload)
  }
}

/** Skips a tagged section of which no field is known. */
export function skipTags(decoder: Decoder): void {
  readTags(decoder, noTags, {})
}

const noTags: ReadonlyMap<number, TaggedCodec> = new Map()

function isGiven(value: unknown, absent: unknown): boolean {
  return value !== undefined && !isSame(value, absent)
}

/** Deep equality of a tagged field's value with its default. */
function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  const [a, b] = [Object.entries(left), new Map(Object.entries(right))]
  return a.length === b.size && a.every(([name, value]) => b.has(name) && isSame(value, b.get(name)))
}

/** A byte before the struct says whether it is there: 1, or -1 for null (KIP-893). */
function nullableStructCodec(fields: Fields, target: Target): Codec {
  const inner = compileStruct(fields, target)
  return codec<Values | null>(
    1,
    decoder => (decoder.int8() < 0 ? null : (inner.read(decoder) as Values)),
    (encoder, value) => {
      encoder.int8(value === null ? -1 : 1)
      if (value !== null) inner.write(encoder, value)
    },
  )
}
