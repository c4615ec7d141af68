import { type ByteReader, type ByteWriter, CorruptDataError } from '../base/index.ts'

/** Byte strings of a document that many places refer to by number, so that each is stored once. */
export class DistinctValues {
  readonly #places = new Map<string, number>()
  readonly #values: Uint8Array[] = []
  bytes = 0

  place(value: Uint8Array): number {
    const content = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
    const known = this.#places.get(content)
    if (known !== undefined) return known
    const place = this.#values.push(value) - 1
    this.#places.set(content, place)
    this.bytes += value.length + 4
    return place
  }

  write(writer: ByteWriter): void {
    writer.uint(this.#values.length)
    for (const value of this.#values) writer.bytes(value)
  }
}

/** @throws CorruptDataError */
export function valueAt<T>(values: readonly T[], place: number): T {
  const value = values[place]
  if (value === undefined) throw new CorruptDataError(`no value ${place} among ${values.length}`)
  return value
}

export function writeOptional(writer: ByteWriter, text: string | undefined): void {
  writer.uint8(text === undefined ? 0 : 1)
  if (text !== undefined) writer.string(text)
}

export function readOptional(reader: ByteReader): string | undefined {
  return reader.uint8() === 0 ? undefined : reader.string()
}
