import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  type Api,
  type Decoded,
  decodeResponse,
  type Encodable,
  encodeRequest,
  type Fields,
} from '../../lib/protocol/index.ts'

/** Kafka's wire by hand: what a test wants to send, in the pieces and the order that it wants. */
export class WireClient {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #received = 0
  /** Bytes before which nothing more can be delivered. */
  #needed = 4
  #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void }[] = []
  #closed: Error | undefined
  #nextCorrelationId = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.#close())
  }

  static async connect(port: number): Promise<WireClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new WireClient(socket)
  }

  get socket(): Socket {
    return this.#socket
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  async closed(): Promise<void> {
    if (!this.#closed) await once(this.#socket, 'close')
  }

  end(): void {
    this.#socket.destroy()
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sends a request, and answers its correlation id. */
  send<Q extends Fields, R extends Fields>(api: Api<Q, R>, version: number, body: Encodable<Q>): number {
    const correlationId = this.#nextCorrelationId++
    this.write(frameOf({ api, version, body, correlationId }))
    return correlationId
  }

  /** The next response, which must be the one to `correlationId`. */
  async receive<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    correlationId: number,
  ): Promise<Decoded<R>> {
    const response = decodeResponse(api, version, await this.receiveFrame())
    if (response.correlationId !== correlationId) {
      throw new Error(`response to ${response.correlationId}, where ${correlationId} was next`)
    }
    return response.body
  }

  request<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<R>> {
    return this.receive(api, version, this.send(api, version, body))
  }

  /** The next response's frame without its size; rejects when the connection closes. */
  receiveFrame(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#deliver()
    })
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    if (this.#received >= this.#needed) this.#deliver()
  }

  #deliver(): void {
    let bytes = Buffer.concat(this.#chunks)
    while (this.#waiting.length > 0 && bytes.length >= 4) {
      this.#needed = 4 + bytes.readInt32BE(0)
      if (bytes.length < this.#needed) break
      this.#waiting.shift()!.resolve(bytes.subarray(4, this.#needed))
      bytes = bytes.subarray(this.#needed)
      this.#needed = 4
    }
    this.#chunks = [bytes]
    this.#received = bytes.length
    if (this.#closed) for (const { reject } of this.#waiting.splice(0)) reject(this.#closed)
  }

  #close(): void {
    this.#closed = new Error('the server closed the connection')
    this.#deliver()
  }
}

export function frameOf<Q extends Fields, R extends Fields>(request: {
  readonly api: Api<Q, R>
  readonly version: number
  readonly body: Encodable<Q>
  readonly correlationId: number
}): Buffer {
  return Buffer.concat(encodeRequest({ ...request, clientId: 'test' }))
}
