/** The stored lease: `lease#<name>` / `lease`. Its token is the item's version, drawn anew at each renewal. */
import { ByteReader, ByteWriter, checkFormat } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'

export interface Lease {
  /** Who holds it: for people and logs. */
  readonly owner: string
  /** Not renewed for so long, it is over. */
  readonly durationMs: number
  /** By the owner's wall clock, ms since 1970. */
  readonly renewedAt: number
}

const FORMAT_VERSION = 1

export function leaseKey(name: string): ItemKey {
  return { pk: `lease#${name}`, sk: 'lease' }
}

export function encodeLease({ owner, durationMs, renewedAt }: Lease): Uint8Array {
  return new ByteWriter(64)
    .uint8(FORMAT_VERSION)
    .string(owner)
    .uint(Math.ceil(durationMs))
    .uint(Math.max(0, Math.floor(renewedAt)))
    .finish()
}

/** @throws CorruptDataError */
export function decodeLease(bytes: Uint8Array): Lease {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('lease', version, FORMAT_VERSION)
  return { owner: reader.string(), durationMs: reader.uint(), renewedAt: reader.uint() }
}
