/**
 * Frames: a message with its header. On a connection 4 bytes of size come first: what is encoded here has them, what is
 * decoded here is a frame without them. A request's body is decoded in a second step, so that the reader of a connection
 * can look at the header, and at the version, first.
 */
import { apisByKey } from './apis.ts'
import {
  type Api,
  type Decoded,
  Decoder,
  type Encodable,
  Encoder,
  type Fields,
  ProtocolError,
  skipTags,
} from './kernel/index.ts'

export interface RequestHeader {
  readonly api: Api
  /** May be a version that the API does not have. */
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  /** The request without its header, a view of the frame: for `api.request.decode(body, version)`. */
  readonly body: Uint8Array
}

/** ApiVersions answers before a client knows any version, so its response header never is flexible (KIP-511). */
const API_VERSIONS_KEY = 18

/** Request header version 1, or 2 in flexible versions. @throws ProtocolError MALFORMED, UNKNOWN_API */
export function decodeRequestHeader(frame: Uint8Array): RequestHeader {
  const decoder = new Decoder(frame)
  const key = decoder.int16()
  const version = decoder.int16()
  const correlationId = decoder.int32()
  const api = apisByKey.get(key)
  if (api === undefined) throw new ProtocolError('UNKNOWN_API', `API key ${key}, version ${version}`)
  const clientIdLength = decoder.int16()
  const clientId = clientIdLength < 0 ? null : decoder.string(clientIdLength)
  if (api.request.isFlexible(version)) skipTags(decoder)
  return { api, version, correlationId, clientId, body: decoder.rest() }
}

/** A request frame with its size. @throws ProtocolError UNENCODABLE, UNSUPPORTED_VERSION */
export function encodeRequest<Q extends Fields, R extends Fields>(request: {
  readonly api: Api<Q, R>
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: Encodable<Q>
}): Uint8Array[] {
  const { api, version, clientId } = request
  const encoder = new Encoder()
  encoder.beginFrame()
  encoder.int16(api.key)
  encoder.int16(version)
  encoder.int32(request.correlationId)
  const clientIdBytes = clientId === null ? -1 : Buffer.byteLength(clientId, 'utf8')
  encoder.int16(clientIdBytes)
  if (clientId !== null) encoder.text(clientId, clientIdBytes)
  if (api.request.isFlexible(version)) encoder.varint(0)
  api.request.write(encoder, version, request.body)
  return encoder.finishFrame()
}

/** A response frame with its size. @throws ProtocolError UNENCODABLE, UNSUPPORTED_VERSION */
export function encodeResponse<Q extends Fields, R extends Fields>(response: {
  readonly api: Api<Q, R>
  readonly version: number
  readonly correlationId: number
  readonly body: Encodable<R>
}): Uint8Array[] {
  const { api, version } = response
  const encoder = new Encoder()
  encoder.beginFrame()
  encoder.int32(response.correlationId)
  if (hasFlexibleResponseHeader(api, version)) encoder.varint(0)
  api.response.write(encoder, version, response.body)
  return encoder.finishFrame()
}

/** @throws ProtocolError MALFORMED, UNSUPPORTED_VERSION */
export function decodeResponse<Q extends Fields, R extends Fields>(
  api: Api<Q, R>,
  version: number,
  frame: Uint8Array,
): { readonly correlationId: number; readonly body: Decoded<R> } {
  const decoder = new Decoder(frame)
  const correlationId = decoder.int32()
  if (hasFlexibleResponseHeader(api, version)) skipTags(decoder)
  return { correlationId, body: api.response.read(decoder, version) }
}

function hasFlexibleResponseHeader(
  api: { readonly key: number; readonly response: { isFlexible(version: number): boolean } },
  version: number,
): boolean {
  return api.key !== API_VERSIONS_KEY && api.response.isFlexible(version)
}
