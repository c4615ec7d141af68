/**
 * The words that a message's table is written in: wire types, and the versions in which a field is there. A table is
 * data; `compile` (codec.ts) turns it into a codec for one version, and TypeScript infers from it what is decoded (every
 * field is there, absent ones with their default) and what may be encoded (fields with a default may be left out).
 * Compact forms are no types of their own: a message's flexible versions use them throughout (KIP-482).
 */

/** What a wire type is, for the compiler of codecs. */
export type Shape =
  | { readonly kind: Scalar }
  | { readonly kind: 'string' | 'bytes' | 'records'; readonly nullable: boolean }
  | { readonly kind: 'array'; readonly element: WireType; readonly nullable: boolean }
  | { readonly kind: 'struct'; readonly fields: Fields; readonly nullable: boolean }
  | { readonly kind: 'nullableSince'; readonly version: number; readonly type: WireType }

export type Scalar =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'int64Clamped'
  | 'uint16'
  | 'uint32'
  | 'float64'
  | 'boolean'
  | 'uuid'

declare const values: unique symbol

/** A type on the wire; decodes to `D`, encodes from `E`. */
export class WireType<D = unknown, E = D> {
  readonly shape: Shape
  declare readonly [values]: { readonly decoded: D; readonly encoded: E }

  constructor(shape: Shape) {
    this.shape = shape
  }
}

/** A field that is not in every version, or is a tagged one: elsewhere it has its default. */
export class VersionedField<D = unknown, E = D> {
  readonly type: WireType<D, E>
  /** First and last version with the field. */
  readonly versions: readonly [number, number]
  readonly absent: D
  readonly tag: number | undefined

  constructor(type: WireType<D, E>, versions: readonly [number, number], absent: D, tag?: number) {
    this.type = type
    this.versions = versions
    this.absent = absent
    this.tag = tag
  }
}

/** A struct's fields in the order of the wire. */
export interface Fields {
  readonly [name: string]: WireType | VersionedField
}

/** What a struct decodes to. (Where the fields are not known, `unknown` is what lets any message stand for all.) */
export type Decoded<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends WireType<infer D, unknown> | VersionedField<infer D, unknown> ? D : unknown
}

/** What a struct encodes from: a field that is not in every version may be left out. */
export type Encodable<F extends Fields> = Flat<
  {
    readonly [K in keyof F as F[K] extends VersionedField ? never : K]: F[K] extends WireType<unknown, infer E>
      ? E
      : unknown
  } & {
    readonly [K in keyof F as F[K] extends VersionedField ? K : never]?: F[K] extends VersionedField<unknown, infer E>
      ? E | undefined
      : unknown
  }
>

type Flat<T> = { readonly [K in keyof T]: T[K] }

// ---------------------------------------------------------------- types

export const int8 = scalar<number>('int8')
export const int16 = scalar<number>('int16')
export const int32 = scalar<number>('int32')
/** A number within ±2^53; anything beyond is refused, both ways. */
export const int64 = scalar<number>('int64')
/** An int64 that users choose freely (a time or an offset to look for): beyond ±2^53 it decodes to the nearest safe integer. */
export const int64Clamped = scalar<number>('int64Clamped')
export const uint16 = scalar<number>('uint16')
export const uint32 = scalar<number>('uint32')
export const float64 = scalar<number>('float64')
export const boolean = scalar<boolean>('boolean')
/** 32 lower-case hex digits. */
export const uuid = scalar<string>('uuid')
export const zeroUuid = '0'.repeat(32)

export const string = new WireType<string>({ kind: 'string', nullable: false })
export const nullableString = new WireType<string | null>({ kind: 'string', nullable: true })
/** Decodes to a view of the frame. */
export const bytes = new WireType<Uint8Array>({ kind: 'bytes', nullable: false })
export const noBytes = new Uint8Array(0)
export const nullableBytes = new WireType<Uint8Array | null>({ kind: 'bytes', nullable: true })
/** Record batches: decode to one view of the frame, encode from parts without copying them. */
export const records = new WireType<Uint8Array, readonly Uint8Array[]>({ kind: 'records', nullable: false })
export const nullableRecords = new WireType<Uint8Array | null, readonly Uint8Array[] | null>({
  kind: 'records',
  nullable: true,
})

export function struct<F extends Fields>(fields: F): WireType<Decoded<F>, Encodable<F>> {
  return new WireType({ kind: 'struct', fields, nullable: false })
}

export function nullableStruct<F extends Fields>(fields: F): WireType<Decoded<F> | null, Encodable<F> | null> {
  return new WireType({ kind: 'struct', fields, nullable: true })
}

/** An array of a type, or of structs with these fields. */
export function array<D, E>(element: WireType<D, E>): WireType<readonly D[], readonly E[]>
export function array<F extends Fields>(element: F): WireType<readonly Decoded<F>[], readonly Encodable<F>[]>
export function array(element: WireType | Fields): WireType<readonly unknown[]> {
  return new WireType({ kind: 'array', element: typeOf(element), nullable: false })
}

export function nullableArray<D, E>(element: WireType<D, E>): WireType<readonly D[] | null, readonly E[] | null>
export function nullableArray<F extends Fields>(
  element: F,
): WireType<readonly Decoded<F>[] | null, readonly Encodable<F>[] | null>
export function nullableArray(element: WireType | Fields): WireType<readonly unknown[] | null> {
  return new WireType({ kind: 'array', element: typeOf(element), nullable: true })
}

/** A nullable string or array whose older versions cannot say null: there null is written as empty, and refused when read. */
export function nullableSince<D, E>(version: number, type: WireType<D, E>): WireType<D, E> {
  return new WireType({ kind: 'nullableSince', version, type })
}

// ---------------------------------------------------------------- versions

/** Fields from `version` on. */
export function since<D, E>(version: number, type: WireType<D, E>, absent: NoInfer<D>): VersionedField<D, E> {
  return new VersionedField(type, [version, Number.POSITIVE_INFINITY], absent)
}

/** Fields up to and with `version`. */
export function until<D, E>(version: number, type: WireType<D, E>, absent: NoInfer<D>): VersionedField<D, E> {
  return new VersionedField(type, [0, version], absent)
}

/** Fields of the versions from `versions[0]` to `versions[1]`, both with it. */
export function between<D, E>(
  versions: readonly [number, number],
  type: WireType<D, E>,
  absent: NoInfer<D>,
): VersionedField<D, E> {
  return new VersionedField(type, versions, absent)
}

/** A tagged field (KIP-482) from `version` on: goes over the wire only where it is not `absent`. */
export function tagged<D, E>(
  tag: number,
  version: number,
  type: WireType<D, E>,
  absent: NoInfer<D>,
): VersionedField<D, E> {
  return new VersionedField(type, [version, Number.POSITIVE_INFINITY], absent, tag)
}

function scalar<T>(kind: Scalar): WireType<T> {
  return new WireType({ kind })
}

function typeOf(element: WireType | Fields): WireType {
  return element instanceof WireType ? element : struct(element)
}
