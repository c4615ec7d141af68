/** NDJSON in: bytes in pieces of any size become lines, each within its bound. */
import { HttpError } from '../errors.ts'

const NEWLINE = 10

export type Line =
  | { readonly number: number; readonly text: Uint8Array }
  | { readonly number: number; readonly error: HttpError }

/**
 * The lines that end in each piece, together; blank ones are left out, but counted. Of a line over `bytesMax` only the error is
 * left; the next line is read again.
 */
export async function* splitLines(pieces: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Line[]> {
  let kept: Uint8Array[] = []
  let keptBytes = 0
  let number = 0
  const take = (end: Uint8Array): Line[] => {
    number++
    const length = keptBytes + end.length
    const parts = [...kept, end]
    kept = []
    keptBytes = 0
    if (length > bytesMax) return [{ number, error: tooLong(number, bytesMax) }]
    const text = parts.length === 1 ? end : Buffer.concat(parts)
    return isBlank(text) ? [] : [{ number, text }]
  }
  for await (const piece of pieces) {
    const lines: Line[] = []
    let start = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      lines.push(...take(piece.subarray(start, end)))
      start = end + 1
    }
    const rest = piece.subarray(start)
    keptBytes += rest.length
    // What is over the bound already is counted, and not kept.
    if (keptBytes > bytesMax) kept = []
    else if (rest.length > 0) kept.push(rest)
    if (lines.length > 0) yield lines
  }
  if (keptBytes > 0) yield take(new Uint8Array(0))
}

function isBlank(text: Uint8Array): boolean {
  return text.every(byte => byte === 32 || byte === 13 || byte === 9)
}

function tooLong(number: number, bytesMax: number): HttpError {
  return new HttpError('LINE_TOO_LONG', `line ${number} has more than ${bytesMax} bytes`)
}
