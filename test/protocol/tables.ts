/** What tests need to know of a message's table: which fields a version has, and what a value looks like after a round trip. */
import { apis, type Fields, type MessageType } from '../../lib/protocol/index.ts'
import { VersionedField, type WireType } from '../../lib/protocol/kernel/index.ts'

export type Struct = Record<string, unknown>

export interface Subject {
  /** Such as `Fetch request`. */
  readonly title: string
  readonly message: MessageType
}

export const subjects: readonly Subject[] = apis.flatMap(api => [
  { title: `${api.name} request`, message: api.request },
  { title: `${api.name} response`, message: api.response },
])

export function versionsOf({ versions: [first, last] }: { readonly versions: readonly [number, number] }): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

export function isPresent(field: WireType | VersionedField, version: number): boolean {
  return !(field instanceof VersionedField) || (field.versions[0] <= version && version <= field.versions[1])
}

export function typeOf(field: WireType | VersionedField): WireType {
  return field instanceof VersionedField ? field.type : field
}

/** The value that must come back: what the version does not have is at its default. */
export function expectedStruct(fields: Fields, version: number, value: Struct): Struct {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field instanceof VersionedField && !isPresent(field, version)
        ? field.absent
        : expected(typeOf(field), version, value[name]),
    ]),
  )
}

function expected({ shape }: WireType, version: number, value: unknown): unknown {
  if (shape.kind === 'nullableSince') {
    if (version >= shape.version || value !== null) return expected(shape.type, version, value)
    return shape.type.shape.kind === 'array' ? [] : ''
  }
  if (value === null) return null
  if (shape.kind === 'records') return Buffer.concat(value as Uint8Array[])
  if (shape.kind === 'struct') return expectedStruct(shape.fields, version, value as Struct)
  if (shape.kind === 'array') return (value as unknown[]).map(element => expected(shape.element, version, element))
  return value
}
