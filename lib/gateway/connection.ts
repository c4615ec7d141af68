/**
 * One client's connection: frames in, answers out in the order of the requests. A request begins when the one before it
 * has answered or lets it begin; until then its bytes stay unread (back pressure). Whatever goes wrong here closes this
 * connection, with a log line, and disturbs no other.
 */
import type { Socket } from 'node:net'
import { type Clock, type Logger, type Turns, VarveError } from '../base/index.ts'
import { AnswerWriter } from './answer-writer.ts'
import { FrameAssembler } from './frame-assembler.ts'
import type { GatewayLimits } from './limits.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** What a request may know of its connection, and do with it. */
export interface Exchange {
  readonly connectionId: number
  /** The client's IP address. */
  readonly clientAddress: string
  /** Aborts when the client ends the connection, or the gateway closes. */
  readonly signal: AbortSignal
  /** The connection's next request need not wait for this one's answer. */
  letNextBegin(): void
  readonly memory: {
    /** Counts up to `wanted` bytes before they are there, and says how many: fewer, or 0, where much is in use. */
    reserve(wanted: number): number
    release(bytes: number): void
    /** Resolves when there may be something to reserve. */
    room(): Promise<void>
  }
  /** `done` is called when the client has been sent this request's answer; never, if the connection breaks before. */
  whenSent(done: () => void): void
}

/** Answers a request's frame with the parts of a whole response frame, or undefined where the protocol has no answer. */
export type Answer = (frame: Uint8Array, exchange: Exchange) => Promise<readonly Uint8Array[] | undefined>

export interface ConnectionOptions {
  readonly id: number
  readonly answer: Answer
  readonly limits: GatewayLimits
  readonly budget: MemoryBudget
  /** Long answers of all connections are sent by turns. */
  readonly turns: Turns
  readonly clock: Clock
  readonly logger: Logger
  readonly onClose: (connection: Connection) => void
}

interface Begun {
  /** Bytes that this request holds in the budget: its frame and what it reserved. */
  held: number
  /** Present when it has been answered; empty where there is no answer. */
  parts: readonly Uint8Array[] | undefined
  /** Who is to be told when they have been sent. */
  readonly whenSent: (() => void)[]
}

export class Connection {
  readonly id: number
  readonly #socket: Socket
  readonly #clientAddress: string
  readonly #options: ConnectionOptions
  readonly #assembler: FrameAssembler
  readonly #writer: AnswerWriter
  readonly #aborter = new AbortController()
  readonly #gone = new AbortController()
  /** In the order of the requests. */
  readonly #begun: Begun[] = []
  #holder: Begun | undefined
  #waitsForRoom = false
  #lastProgress: number
  #isClosed = false
  /** The client sends no more; what it sent is still answered. */
  #inputEnded = false
  /** No further request begins. */
  #isEnding = false

  constructor(socket: Socket, options: ConnectionOptions) {
    this.id = options.id
    this.#socket = socket
    this.#options = options
    this.#assembler = new FrameAssembler(options.limits.frameBytesMax)
    this.#writer = new AnswerWriter(socket, options, () => this.#progress())
    this.#lastProgress = options.clock.monotonic()
    // An IPv4 client of a socket for both looks like ::ffff:10.0.0.1.
    this.#clientAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('end', () => {
      this.#inputEnded = true
      // Most likely nobody waits any more.
      this.#aborter.abort()
      this.#pump()
    })
    socket.on('error', error => this.close(isDisconnect(error) ? undefined : 'socket failed', error))
    socket.on('close', () => this.close())
  }

  /** Ms since the client last sent or took something. */
  quietMs(): number {
    return this.#options.clock.monotonic() - this.#lastProgress
  }

  /** Requests that have begun and are not answered. */
  get inFlight(): number {
    return this.#begun.length
  }

  /** Whether it keeps memory that only its client can set free, by sending or taking more. */
  get isOwedByClient(): boolean {
    return this.#writer.unsent > 0 || (this.#assembler.length > 0 && !this.#waitsForRoom)
  }

  /** Begins no further request, ends waits (long polls), and closes when the begun requests are answered. */
  end(): void {
    if (this.#isEnding || this.#isClosed) return
    this.#isEnding = true
    this.#aborter.abort()
    this.#socket.pause()
    if (this.#begun.length === 0 && this.#writer.unsent === 0) this.close()
  }

  /** Closes at once; `reason` goes to the log. */
  close(reason?: string, error?: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { budget, logger, onClose } = this.#options
    if (reason) logger.warn('connection closed', { connection: this.id, reason, ...describe(error) })
    this.#aborter.abort()
    this.#gone.abort()
    this.#socket.destroy()
    budget.give(this.#assembler.length)
    budget.release(this)
    this.#writer.drop()
    for (const request of this.#begun) this.#hold(request, 0)
    this.#begun.length = 0
    onClose(this)
  }

  #receive(chunk: Buffer): void {
    if (this.#isClosed || this.#isEnding) return
    this.#lastProgress = this.#options.clock.monotonic()
    this.#options.budget.take(chunk.length)
    this.#assembler.push(chunk)
    this.#pump()
  }

  #progress(): void {
    this.#lastProgress = this.#options.clock.monotonic()
    this.#pump()
  }

  /** Begins the requests that may begin, reads on or stops reading, and closes when all is done. */
  #pump(): void {
    if (this.#isClosed) return
    if (this.#isEnding) {
      this.#closeIfDone()
      return
    }
    try {
      while (this.#mayBegin()) {
        const before = this.#assembler.length
        const frame = this.#assembler.next()
        if (!frame) break
        this.#begin(frame, before - this.#assembler.length)
        if (this.#isClosed || this.#isEnding) return
      }
      // Whole frames that may not begin yet are still there; a part of a frame will never be whole.
      if (this.#inputEnded) this.#closeIfDone()
      else if (this.#mayRead()) this.#socket.resume()
      else this.#socket.pause()
    } catch (error) {
      this.close('broken frame', error)
    }
  }

  #mayBegin(): boolean {
    const { inFlightMax, unsentBytesMax } = this.#options.limits
    return !this.#holder && this.#begun.length < inFlightMax && this.#writer.unsent <= unsentBytesMax
  }

  #mayRead(): boolean {
    if (this.#assembler.length === 0) return true
    if (!this.#mayBegin()) return false
    const { limits, budget } = this.#options
    if (!budget.isExhausted || (this.#assembler.announced() ?? 0) <= limits.smallFrameBytes) return true
    // First what is in flight gives its memory back.
    if (this.#begun.length > 0) return false
    if (budget.favour(this)) return true
    this.#waitForRoom()
    return false
  }

  #waitForRoom(): void {
    if (this.#waitsForRoom) return
    this.#waitsForRoom = true
    void this.#options.budget.room().then(() => {
      this.#waitsForRoom = false
      this.#pump()
    })
  }

  #begin(frame: Uint8Array, held: number): void {
    const request: Begun = { held, parts: undefined, whenSent: [] }
    this.#begun.push(request)
    this.#holder = request
    void this.#run(frame, request)
  }

  async #run(frame: Uint8Array, request: Begun): Promise<void> {
    const { answer, budget } = this.#options
    const letNextBegin = () => {
      if (this.#holder !== request) return
      this.#holder = undefined
      queueMicrotask(() => this.#pump())
    }
    try {
      const parts = await answer(frame, {
        connectionId: this.id,
        clientAddress: this.#clientAddress,
        signal: this.#aborter.signal,
        letNextBegin,
        memory: {
          reserve: wanted => this.#reserve(request, wanted),
          release: bytes => this.#hold(request, request.held - bytes),
          room: () => budget.room(),
        },
        whenSent: done => request.whenSent.push(done),
      })
      request.parts = parts ?? []
    } catch (error) {
      this.close('request refused', error)
    }
    if (this.#isClosed) return
    if (this.#holder === request) this.#holder = undefined
    this.#sendAnswered()
    if (this.#begun.length === 0) budget.release(this)
    this.#pump()
  }

  #reserve(request: Begun, wanted: number): number {
    if (this.#isClosed) return 0
    const granted = this.#options.budget.reserve(wanted)
    request.held += granted
    return granted
  }

  /** Sends the answers at the head of the queue. */
  #sendAnswered(): void {
    const ready: Uint8Array[] = []
    const sent: (() => void)[] = []
    for (;;) {
      const parts = this.#begun[0]?.parts
      if (!parts) break
      const request = this.#begun.shift()!
      let bytes = 0
      for (const part of parts) {
        bytes += part.length
        ready.push(part)
      }
      // From here on the writer gives the bytes back, as they are sent.
      this.#hold(request, bytes)
      if (bytes > 0) sent.push(...request.whenSent)
    }
    if (ready.length === 0) return
    this.#writer.send(ready, () => {
      for (const done of sent) done()
    })
  }

  /** Makes the request hold so many bytes in the budget. */
  #hold(request: Begun, bytes: number): void {
    if (this.#isClosed && bytes > 0) return
    const { budget } = this.#options
    if (bytes > request.held) budget.take(bytes - request.held)
    else budget.give(request.held - bytes)
    request.held = bytes
  }

  #closeIfDone(): void {
    if (this.#begun.length > 0 || this.#writer.unsent > 0) return
    if (this.#inputEnded) {
      this.close()
      return
    }
    // Bytes that came and were not read would make the system reset the connection, and the client might lose its last
    // answers: so it is told that no more comes, and may close first.
    this.#socket.end()
    this.#socket.resume()
    const { clock, limits } = this.#options
    void clock.sleep(limits.lingerMs, this.#gone.signal).then(() => this.close())
  }
}

/** The client went away, which is its right. */
function isDisconnect(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE'
}

function describe(error: unknown): Record<string, unknown> {
  if (error === undefined) return {}
  if (error instanceof VarveError) return { code: error.code, message: error.message }
  if (error instanceof Error) return { message: error.message, stack: error.stack }
  return { message: String(error) }
}
