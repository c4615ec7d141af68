/** Bodies, piece by piece or whole, decompressed, within their bounds. */
import type { Clock } from '../base/index.ts'
import type { BodyMemory } from './body-memory.ts'
import { decoderOf } from './content-encoding.ts'
import { HttpError } from './errors.ts'
import type { HttpLimits } from './limits.ts'

interface BodyBounds {
  readonly clock: Clock
  readonly limits: Pick<HttpLimits, 'bodyIdleMs'>
}

/**
 * The body's bytes as they come, decompressed. Stopping the iteration gives up the rest.
 * @throws HttpError BODY_TIMED_OUT, UNSUPPORTED_CONTENT_ENCODING, MALFORMED_BODY
 */
export async function* readPieces(request: Request, bounds: BodyBounds): AsyncGenerator<Uint8Array, void, undefined> {
  const decode = decoderOf(request.headers.get('content-encoding'))
  if (request.body) yield* decode(rawPieces(request.body, bounds))
}

/** The whole body. @throws HttpError BODY_TOO_LARGE and what `readPieces` throws; OverloadedError */
export async function readWhole(
  request: Request,
  bounds: BodyBounds & { readonly limits: Pick<HttpLimits, 'bodyBytesMax'>; readonly bodyMemory: BodyMemory },
): Promise<Buffer> {
  const { bodyBytesMax } = bounds.limits
  const pieces: Uint8Array[] = []
  let length = 0
  if (Number(request.headers.get('content-length')) > bodyBytesMax) throw tooLarge(bodyBytesMax)
  for await (const piece of readPieces(request, bounds)) {
    length += piece.length
    if (length > bodyBytesMax) throw tooLarge(bodyBytesMax)
    bounds.bodyMemory.hold(request, piece.length)
    pieces.push(piece)
  }
  return Buffer.concat(pieces, length)
}

async function* rawPieces(body: ReadableStream<Uint8Array>, { clock, limits }: BodyBounds) {
  const reader = body.getReader()
  let ended = false
  try {
    for (;;) {
      const come = new AbortController()
      const idle = clock.sleep(limits.bodyIdleMs, come.signal).then(() => undefined)
      const piece = await Promise.race([readOf(reader), idle])
      come.abort()
      if (!piece) throw new HttpError('BODY_TIMED_OUT', `nothing of the body came for ${limits.bodyIdleMs} ms`)
      ended = piece.done
      if (piece.done) return
      yield piece.value
    }
  } finally {
    if (!ended) void reader.cancel().catch(() => undefined)
  }
}

/** @throws HttpError MALFORMED_BODY: the sender went away in the middle */
async function readOf(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read()
  } catch (error) {
    throw new HttpError('MALFORMED_BODY', `the body broke off: ${(error as Error).message}`)
  }
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError('BODY_TOO_LARGE', `a body has at most ${bytesMax} bytes: send it in parts, or as NDJSON`)
}
