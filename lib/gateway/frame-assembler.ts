/**
 * Cuts a byte stream into Kafka's frames: four bytes of length, then as many bytes. Chunks are kept as they came until
 * their frame is whole; then each is copied once into it. Frames that lie in one chunk and together fill most of it are views
 * of it. So memory grows with the bytes that arrived, whatever length a frame announces.
 */
import { VarveError } from '../base/index.ts'

const sizeBytes = 4
/** Chunks below this are gathered, so that a frame sent in tiny pieces does not cost many times its size. */
const smallChunkBytes = 4 * 1024
const gatheredBytes = 16 * 1024
/** A view keeps its whole chunk in memory: no more than so many times its own size, even if all the others are gone. */
const chunkPerView = 8
/** … and together with them at most so many times theirs. */
const chunkPerViews = 2

export class FrameError extends VarveError {
  readonly code = 'BROKEN_FRAME'
}

export class FrameAssembler {
  readonly #frameBytesMax: number
  #chunks: Buffer[] = []
  #gathered: Buffer | undefined
  #gatheredLength = 0
  #length = 0
  #announced: number | undefined
  /** The chunk of which it is known that its frames fill most of it. */
  #filled: ArrayBufferLike | undefined

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** Bytes that came in and did not go out as frames. */
  get length(): number {
    return this.#length
  }

  push(chunk: Buffer): void {
    const isFirst = this.#length === 0
    this.#length += chunk.length
    if (chunk.length < smallChunkBytes && !isFirst) this.#gather(chunk)
    else {
      this.#closeGathered()
      this.#chunks.push(chunk)
    }
  }

  /** Length of the frame that is coming in; undefined where it is not known yet. @throws FrameError where it cannot be */
  announced(): number | undefined {
    if (this.#announced !== undefined || this.#length < sizeBytes) return this.#announced
    const size = this.#copyOut(sizeBytes).readInt32BE(0)
    if (size < 0 || size > this.#frameBytesMax) {
      throw new FrameError(`a frame of ${size} bytes, where 0 to ${this.#frameBytesMax} are allowed`)
    }
    this.#announced = size
    return size
  }

  /** The next whole frame, without its length; undefined until all of it came. @throws FrameError */
  next(): Buffer | undefined {
    const size = this.announced()
    if (size === undefined || this.#length < sizeBytes + size) return undefined
    this.#announced = undefined
    this.#skip(sizeBytes)
    const first = this.#chunks[0]
    const frame = first && this.#mayBeView(first, size) ? first.subarray(0, size) : this.#copyOut(size)
    this.#skip(size)
    return frame
  }

  /** Whether the first `size` bytes of a chunk may be given out as they lie there. */
  #mayBeView(chunk: Buffer, size: number): boolean {
    const { buffer, length } = chunk
    if (length < size || buffer.byteLength > size * chunkPerView) return false
    if (this.#filled === buffer) return true
    let whole = size
    for (let at = size; at + sizeBytes <= length; ) {
      const next = chunk.readInt32BE(at)
      at += sizeBytes + next
      if (next < 0 || at > length) break
      whole += next
    }
    if (buffer.byteLength > whole * chunkPerViews) return false
    this.#filled = buffer
    return true
  }

  #gather(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) {
      this.#gathered ??= Buffer.allocUnsafeSlow(gatheredBytes)
      const copied = rest.copy(this.#gathered, this.#gatheredLength)
      this.#gatheredLength += copied
      rest = rest.subarray(copied)
      if (this.#gatheredLength === gatheredBytes) this.#closeGathered()
    }
  }

  #closeGathered(): void {
    if (this.#gathered && this.#gatheredLength > 0) this.#chunks.push(this.#gathered.subarray(0, this.#gatheredLength))
    this.#gathered = undefined
    this.#gatheredLength = 0
  }

  /** A copy of the first `size` bytes. */
  #copyOut(size: number): Buffer {
    this.#closeGathered()
    const copy = Buffer.allocUnsafe(size)
    let at = 0
    for (const chunk of this.#chunks) {
      if (at === size) break
      at += chunk.copy(copy, at)
    }
    return copy
  }

  #skip(size: number): void {
    this.#length -= size
    let left = size
    let whole = 0
    for (const chunk of this.#chunks) {
      if (chunk.length > left) break
      left -= chunk.length
      whole++
    }
    this.#chunks.splice(0, whole)
    if (left > 0) this.#chunks[0] = this.#chunks[0]!.subarray(left)
  }
}
