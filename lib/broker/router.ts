/**
 * From a request's frame to its answer's: header, handler, body, and back. A frame that is not a request of a served API
 * and version throws, which closes the connection; ApiVersions alone is answered in any version, so that a newer client
 * learns what there is (KIP-511).
 */
import { ApiVersions, decodeRequestHeader, encodeResponse, ProtocolError } from '../protocol/index.ts'
import { errorCodes } from './errors.ts'
import { type Broker, type Handler, noResponse, type RequestContext } from './handler.ts'
import { apiKeysOf } from './handlers/api-versions.ts'

/** What a request's connection gives to its context. */
export interface RequestSurroundings
  extends Pick<RequestContext, 'connectionId' | 'signal' | 'letNextBegin' | 'memory' | 'whenSent'> {
  readonly clientAddress: string
}

export class Router {
  readonly #broker: Broker
  readonly #handlers: readonly Handler[]
  readonly #byKey: ReadonlyMap<number, Handler>

  constructor(broker: Broker, handlers: readonly Handler[]) {
    this.#broker = broker
    this.#handlers = handlers
    this.#byKey = new Map(handlers.map(handler => [handler.api.key, handler]))
  }

  /**
   * The parts of the response's frame; undefined where the protocol has no response.
   * @throws CloseConnection, ProtocolError, and what a handler's bug throws: the connection must be closed
   */
  async answer(frame: Uint8Array, surroundings: RequestSurroundings): Promise<readonly Uint8Array[] | undefined> {
    const fallback = this.#answerUnknownVersion(frame)
    if (fallback) return fallback
    const { api, version, correlationId, clientId, body } = decodeRequestHeader(frame)
    const handler = this.#byKey.get(api.key)
    if (!handler) throw new ProtocolError('UNKNOWN_API', `${api.name} is not served`)
    if (!serves(handler, version)) {
      throw new ProtocolError('UNSUPPORTED_VERSION', `${api.name} version ${version} is not served`)
    }
    const request = api.request.decode(body, version)
    const response = await handler.handle(request, {
      ...this.#broker,
      ...surroundings,
      handlers: this.#handlers,
      apiVersion: version,
      clientId,
      clientHost: `/${surroundings.clientAddress}`,
    })
    if (response === noResponse) return undefined
    return encodeResponse({ api, version, correlationId, body: response as Record<string, unknown> })
  }

  /** The answer to an ApiVersions request of a version to come, whose header may be of a form to come as well. */
  #answerUnknownVersion(frame: Uint8Array): readonly Uint8Array[] | undefined {
    if (frame.length < 8 || frame[0] !== 0 || frame[1] !== ApiVersions.key) return undefined
    const fixed = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
    const handler = this.#byKey.get(ApiVersions.key)
    if (!handler || serves(handler, fixed.readInt16BE(2))) return undefined
    const body = { errorCode: errorCodes.UNSUPPORTED_VERSION, apiKeys: apiKeysOf([handler]) }
    return encodeResponse({ api: ApiVersions, version: 0, correlationId: fixed.readInt32BE(4), body })
  }
}

function serves({ versions: [first, last] }: Handler, version: number): boolean {
  return version >= first && version <= last
}
