/**
 * A message: an API's request or response as one table for all its versions. Its codec for a version is compiled at
 * first use and kept.
 */
import { invariant } from '../../base/index.ts'
import { type Codec, compileStruct } from './codec.ts'
import { Decoder } from './decoder.ts'
import { Encoder } from './encoder.ts'
import { ProtocolError } from './errors.ts'
import type { Decoded, Encodable, Fields } from './types.ts'

export interface Table<F extends Fields> {
  /** Kafka's API key; absent in what is not a request or response (a consumer's metadata). */
  readonly api?: number
  /** First and last version that the schema has. */
  readonly versions: readonly [number, number]
  /** First flexible version (KIP-482); absent: none. */
  readonly flexible?: number
  readonly fields: F
}

export class MessageType<F extends Fields = Fields> {
  readonly api: number | undefined
  readonly versions: readonly [number, number]
  readonly fields: F
  readonly #flexible: number
  readonly #codecs: (Codec | undefined)[] = []

  constructor({ api, versions, flexible, fields }: Table<F>) {
    this.api = api
    this.versions = versions
    this.fields = fields
    this.#flexible = flexible ?? Number.POSITIVE_INFINITY
  }

  isFlexible(version: number): boolean {
    return version >= this.#flexible
  }

  hasVersion(version: number): boolean {
    return version >= this.versions[0] && version <= this.versions[1]
  }

  /** Reads one message; bytes after it stay unread. @throws ProtocolError MALFORMED, UNSUPPORTED_VERSION */
  read(decoder: Decoder, version: number): Decoded<F> {
    return this.#codec(version).read(decoder) as Decoded<F>
  }

  /** Fields that the version lacks are left out. @throws ProtocolError UNENCODABLE, UNSUPPORTED_VERSION */
  write(encoder: Encoder, version: number, value: Encodable<F>): void {
    this.#codec(version).write(encoder, value)
  }

  /** `read` from bytes that hold nothing before the message. Byte fields are views of `bytes`. */
  decode(bytes: Uint8Array, version: number): Decoded<F> {
    return this.read(new Decoder(bytes), version)
  }

  /** The message's bytes, in parts; large byte values are not copied. */
  encode(value: Encodable<F>, version: number): Uint8Array[] {
    const encoder = new Encoder()
    this.write(encoder, version, value)
    return encoder.finish()
  }

  #codec(version: number): Codec {
    const known = this.#codecs[version]
    if (known) return known
    if (!this.hasVersion(version)) throw new ProtocolError('UNSUPPORTED_VERSION', `there is no version ${version}`)
    const codec = compileStruct(this.fields, { version, flexible: this.isFlexible(version) })
    this.#codecs[version] = codec
    return codec
  }
}

export function message<F extends Fields>(table: Table<F>): MessageType<F> {
  return new MessageType(table)
}

/** What a message decodes to: every field is there. */
export type Message<M> = M extends MessageType<infer F> ? Decoded<F> : never

/** What a message is encoded from: fields that not every version has may be left out. */
export type MessageInput<M> = M extends MessageType<infer F> ? Encodable<F> : never

// ---------------------------------------------------------------- APIs

/** One of Kafka's APIs: a request and its response, which have the same versions. */
export interface Api<Q extends Fields = Fields, R extends Fields = Fields> {
  readonly key: number
  /** Kafka's name, such as `Produce`. */
  readonly name: string
  readonly request: MessageType<Q>
  readonly response: MessageType<R>
  /** What ApiVersions says of it; wider than the schema only where clients need that. */
  readonly advertised: readonly [number, number]
}

export function api<Q extends Fields, R extends Fields>(parts: {
  readonly name: string
  readonly request: MessageType<Q>
  readonly response: MessageType<R>
  /** Default: the versions of the schema. */
  readonly advertised?: readonly [number, number]
}): Api<Q, R> {
  const { name, request, response, advertised = request.versions } = parts
  invariant(request.api !== undefined && request.api === response.api, `${name} pairs two APIs' messages`)
  return { key: request.api, name, request, response, advertised }
}
