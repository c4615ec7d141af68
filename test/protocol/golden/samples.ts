/**
 * The values in the golden frames, made by rule from a message's table, so that the fixture holds bytes only. `full` has
 * a different value in each field (each nullable one there, arrays of two), `least` has nulls, empties and zeros.
 */
import type { Fields } from '../../../lib/protocol/index.ts'
import { type Scalar, VersionedField, type WireType } from '../../../lib/protocol/kernel/index.ts'
import { isPresent, type Struct, typeOf } from '../tables.ts'

export const fills = ['full', 'least'] as const
export type Fill = (typeof fills)[number]

/** Absent fields are left out. */
export function sampleOf(fields: Fields, version: number, fill: Fill): Struct {
  return new Sampler(version, fill).struct(fields)
}

class Sampler {
  readonly #version: number
  readonly #isFull: boolean
  #count = 0

  constructor(version: number, fill: Fill) {
    this.#version = version
    this.#isFull = fill === 'full'
  }

  struct(fields: Fields): Struct {
    const value: Struct = {}
    for (const [name, field] of Object.entries(fields)) {
      if (!isPresent(field, this.#version)) continue
      const isLeftOut = !this.#isFull && field instanceof VersionedField && field.tag !== undefined
      value[name] = isLeftOut ? field.absent : this.#value(typeOf(field))
    }
    return value
  }

  #value({ shape }: WireType): unknown {
    if (shape.kind === 'nullableSince') return this.#nullableSince(shape.version, shape.type)
    if ('nullable' in shape && shape.nullable && !this.#isFull) return null
    switch (shape.kind) {
      case 'string':
        return this.#isFull ? `é${this.#next()}` : ''
      case 'bytes':
        return this.#bytes()
      case 'records':
        return [this.#bytes()]
      case 'array':
        return this.#isFull ? [this.#value(shape.element), this.#value(shape.element)] : []
      case 'struct':
        return this.struct(shape.fields)
      default:
        return this.#scalar(shape.kind)
    }
  }

  #nullableSince(version: number, type: WireType): unknown {
    const value = this.#value(type)
    if (value !== null || this.#version >= version) return value
    return type.shape.kind === 'array' ? [] : ''
  }

  #scalar(kind: Scalar): unknown {
    const n = this.#isFull ? this.#next() : 0
    const sign = n % 2 === 0 ? 1 : -1
    switch (kind) {
      case 'int8':
        return sign * (n % 128)
      case 'int16':
        return sign * ((n * 251) % 32_768)
      case 'int32':
        return sign * (n * 100_003)
      case 'int64':
      case 'int64Clamped':
        return sign * (n * 2 ** 40 + n)
      case 'uint16':
        return (n * 40_009) % 65_536
      case 'uint32':
        return n * 100_003
      case 'float64':
        return sign * (n + 0.25)
      case 'boolean':
        return n % 2 === 1
      case 'uuid':
        return n.toString(16).padStart(4, '0').repeat(8)
    }
  }

  #bytes(): Uint8Array {
    return this.#isFull ? Buffer.from(`bytes ${this.#next()}`) : Buffer.alloc(0)
  }

  #next(): number {
    this.#count++
    return this.#count
  }
}
