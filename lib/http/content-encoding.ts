/** Compression of bodies, in both directions: gzip, deflate, br and zstd. */
import { pipeline, Readable, type Transform } from 'node:stream'
import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGunzip,
  createGzip,
  createInflate,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib'
import { HttpError } from './errors.ts'

type Pieces = AsyncIterable<Uint8Array>

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/** In the order in which they are preferred. Each piece leaves the encoder when it came in, so that streams stay live. */
const encoders: Readonly<Record<string, () => Transform>> = {
  zstd: () => createZstdCompress({ flush: constants.ZSTD_e_flush }),
  br: () =>
    createBrotliCompress({
      flush: constants.BROTLI_OPERATION_FLUSH,
      params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY },
    }),
  gzip: () => createGzip({ flush: constants.Z_SYNC_FLUSH }),
  deflate: () => createDeflate({ flush: constants.Z_SYNC_FLUSH }),
}

/** Brotli's default is meant for files that are compressed once. */
const BROTLI_QUALITY = 4
const ENCODINGS_MAX = 2
/** Smaller answers are not worth it. */
const COMPRESSED_BYTES_MIN = 1_024

/** Undoes what Content-Encoding lists. @throws HttpError UNSUPPORTED_CONTENT_ENCODING */
export function decoderOf(contentEncoding: string | null): (pieces: Pieces) => Pieces {
  const names = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'identity')
  const stages = names.map(name => (Object.hasOwn(decoders, name) ? decoders[name] : undefined))
  if (stages.length > ENCODINGS_MAX || stages.includes(undefined)) {
    throw new HttpError(
      'UNSUPPORTED_CONTENT_ENCODING',
      `content encodings are ${Object.keys(decoders).join(', ')}, not ${names.join(', ')}`,
    )
  }
  return pieces => stages.reduceRight<Pieces>((from, stage) => transform(from, stage!()), pieces)
}

/** The first encoding that Accept-Encoding allows. */
export function encodingFor(acceptEncoding: string | null): string | undefined {
  const accepted = new Map(
    (acceptEncoding ?? '').split(',').map(part => {
      const [name = '', ...parameters] = part.toLowerCase().split(';')
      const quality = parameters.map(text => /^\s*q=([\d.]+)/.exec(text)?.[1]).find(text => text !== undefined)
      return [name.trim(), Number(quality ?? 1)] as const
    }),
  )
  return Object.keys(encoders).find(name => (accepted.get(name) ?? 0) > 0)
}

/** The response compressed, where it is worth it and nothing forbids it. */
export function compressResponse(response: Response, encoding: string): Response {
  const { headers, body, status } = response
  const type = headers.get('content-type') ?? ''
  const length = Number(headers.get('content-length') ?? COMPRESSED_BYTES_MIN)
  const worthIt =
    /^(text\/|application\/)/.test(type) && !type.includes('octet-stream') && length >= COMPRESSED_BYTES_MIN
  if (!body || !worthIt || status === 204 || headers.has('content-encoding')) return response
  const compressed = new Headers(headers)
  compressed.set('content-encoding', encoding)
  compressed.append('vary', 'accept-encoding')
  compressed.delete('content-length')
  const stream = Readable.toWeb(
    pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), encoders[encoding]!(), () => undefined),
  )
  return new Response(stream as ReadableStream<Uint8Array>, { status, headers: compressed })
}

async function* transform(pieces: Pieces, decoder: Transform): AsyncGenerator<Uint8Array> {
  // The source's own failure (a time-out) must not come out as a malformed body.
  let failure: unknown
  const source = Readable.from(
    (async function* () {
      try {
        yield* pieces
      } catch (error) {
        failure = error
        throw error
      }
    })(),
  )
  try {
    yield* pipeline(source, decoder, () => undefined)
  } catch (error) {
    if (failure) throw failure
    throw new HttpError('MALFORMED_BODY', `the body does not decompress: ${(error as Error).message}`)
  }
}
