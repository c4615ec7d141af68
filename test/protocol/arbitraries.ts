/** Random values for a message, derived from its table: all fields, whether a version has them or not. */
import fc from 'fast-check'
import type { Fields } from '../../lib/protocol/index.ts'
import type { Scalar, WireType } from '../../lib/protocol/kernel/index.ts'
import { type Struct, typeOf } from './tables.ts'

const ARRAY_LENGTH_MAX = 3

export function structOf(fields: Fields): fc.Arbitrary<Struct> {
  const model = Object.entries(fields).map(([name, field]) => [name, valuesOf(typeOf(field))] as const)
  return fc.record(Object.fromEntries(model), { noNullPrototype: true })
}

const bytes = fc.uint8Array({ maxLength: 40 }).map(value => Buffer.from(value))
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(value => Buffer.from(value).toString('hex'))
const safeInteger = fc.maxSafeInteger()

const scalars: Record<Scalar, fc.Arbitrary<unknown>> = {
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  int32: fc.integer(),
  int64: safeInteger,
  int64Clamped: safeInteger,
  uint16: fc.integer({ min: 0, max: 65_535 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  float64: fc.double(),
  boolean: fc.boolean(),
  uuid,
}

function valuesOf({ shape }: WireType): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'string':
      return orNull(shape.nullable, fc.string({ unit: 'grapheme', maxLength: 10 }))
    case 'bytes':
      return orNull(shape.nullable, bytes)
    case 'records':
      return orNull(shape.nullable, fc.array(bytes, { maxLength: ARRAY_LENGTH_MAX }))
    case 'array':
      return orNull(shape.nullable, fc.array(valuesOf(shape.element), { maxLength: ARRAY_LENGTH_MAX }))
    case 'struct':
      return orNull(shape.nullable, structOf(shape.fields))
    case 'nullableSince':
      return valuesOf(shape.type)
    default:
      return scalars[shape.kind]
  }
}

function orNull(nullable: boolean, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return nullable ? fc.option(values, { nil: null, freq: 4 }) : values
}
