/**
 * A stored format under test: a sample value, and the codec of the product. The bytes of this version are in `v1/<name>.bin`, made once by
 * `npm run golden-formats` and never changed: a later Varve must read them still.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface StoredFormat {
  /** Of the file. */
  readonly name: string
  /** The product's file that declares the format's version. */
  readonly source: string
  /** Anew at each call, as codecs may remember values that they have seen. */
  readonly sample: () => unknown
  readonly encodeSample: () => Uint8Array
  readonly decode: (bytes: Uint8Array) => unknown
  /** What decode gave, encoded again. */
  readonly encodeDecoded: (bytes: Uint8Array) => Uint8Array
  /** The position of the version; negative: from the end. */
  readonly versionAt: number
  /** It is read for ever and written no more. */
  readonly isOld: boolean
}

export interface Codec<T> {
  readonly name: string
  readonly source: string
  readonly sample: () => T
  readonly encode: (value: T) => Uint8Array
  readonly decode: (bytes: Uint8Array) => T
  readonly versionAt?: number
  readonly isOld?: boolean
}

export function storedFormat<T>({
  name,
  source,
  sample,
  encode,
  decode,
  versionAt = 0,
  isOld = false,
}: Codec<T>): StoredFormat {
  return {
    name,
    source,
    sample,
    encodeSample: () => encode(sample()),
    decode,
    encodeDecoded: bytes => encode(decode(bytes)),
    versionAt,
    isOld,
  }
}

export const goldenFolder = join(import.meta.dirname, 'v1')
export const keysFile = join(goldenFolder, 'keys.json')

export function goldenFile(name: string): string {
  return join(goldenFolder, `${name}.bin`)
}

/** @throws Error that says how to make a file that is missing */
export function readGolden(name: string): Buffer {
  const path = goldenFile(name)
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run golden-formats, and commit the file`)
  return readFileSync(path)
}
