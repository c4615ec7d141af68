/**
 * API keys. A secret is 256 random bits, so its SHA-256 is as hard to turn round as the secret is to guess: the slow hashes that
 * passwords need would only slow down every request. Pure, but for the randomness that is passed in.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ByteReader, ByteWriter, checkFormat, type Random } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import { formatScope, parseScope, type Scope } from './scopes.ts'

export interface ApiKey {
  /** 16 letters and digits; no secret. */
  readonly id: string
  /** What for, in words. */
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Ms since 1970. */
  readonly createdAt: number
  /** Ms since 1970; undefined: never. */
  readonly expiresAt: number | undefined
  readonly secretHash: Uint8Array
}

export const KEYS = 'keys'
export const NAME_LENGTH_MAX = 200
const FORMAT_VERSION = 1
const ID_BYTES = 10
const SECRET_BYTES = 32

/** Sort keys are ids. */
export function apiKeyItemKey(id: string): ItemKey {
  return { pk: KEYS, sk: id }
}

export function drawApiKey(
  { name, scopes, expiresAt, now }: Pick<ApiKey, 'name' | 'scopes' | 'expiresAt'> & { now: number },
  random: Random,
): { readonly key: ApiKey; readonly secret: string } {
  const id = base32(random.bytes(ID_BYTES))
  const secret = Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')
  return { key: { id, name, scopes, createdAt: now, expiresAt, secretHash: hashSecret(secret) }, secret }
}

export function hashSecret(secret: string): Uint8Array {
  return createHash('sha256').update(secret, 'utf8').digest()
}

/** What may be told of a key. */
export function describeKey({ id, name, scopes, createdAt, expiresAt }: ApiKey) {
  return {
    id,
    name,
    scopes: scopes.map(formatScope),
    createdAt: new Date(createdAt).toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
  }
}

/** In a time that does not depend on where they differ. */
export function isSecretOf(secretHash: Uint8Array, secret: string): boolean {
  return timingSafeEqual(secretHash, hashSecret(secret))
}

export function encodeApiKey({ name, scopes, createdAt, expiresAt, secretHash }: ApiKey): Uint8Array {
  const writer = new ByteWriter()
    .uint8(FORMAT_VERSION)
    .string(name)
    .uint(createdAt)
    .uint(expiresAt ?? 0)
    .bytes(secretHash)
  writer.uint(scopes.length)
  for (const scope of scopes) writer.string(formatScope(scope))
  return writer.finish()
}

export function decodeApiKey(id: string, bytes: Uint8Array): ApiKey {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('API key', version, FORMAT_VERSION)
  const name = reader.string()
  const createdAt = reader.uint()
  const expiresAt = reader.uint() || undefined
  const secretHash = new Uint8Array(reader.bytes())
  const scopes = reader.list(each => {
    const text = each.string()
    const scope = parseScope(text)
    // A scope that this version does not know allows nothing.
    return scope ? [scope] : []
  })
  return { id, name, scopes: scopes.flat(), createdAt, expiresAt, secretHash }
}

/** Crockford's alphabet in lower case: no letter looks like a digit. */
function base32(bytes: Uint8Array): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
  let bits = 0n
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte)
  const length = (bytes.length * 8) / 5
  return Array.from({ length }, (_, index) => alphabet[Number((bits >> BigInt(5 * (length - 1 - index))) & 31n)]).join(
    '',
  )
}
