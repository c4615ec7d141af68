/** JSON values one after the other, with white space between them or not: the stream of REST Proxy v3. */
import { HttpError } from '../errors.ts'
import type { Line } from '../produce/record-lines.ts'

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING = new Set([0x7b, 0x5b])
const CLOSING = new Set([0x7d, 0x5d])
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * The objects that end in each piece. Nothing but objects and arrays can be told apart so; bytes between them are an error.
 * @throws HttpError MALFORMED_BODY, LINE_TOO_LONG: where the next one would begin, nobody knows
 */
export async function* splitObjects(pieces: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Line[]> {
  let kept: Uint8Array[] = []
  let keptBytes = 0
  let number = 0
  let depth = 0
  let inString = false
  let escaped = false
  for await (const piece of pieces) {
    const lines: Line[] = []
    let failure: HttpError | undefined
    let start = 0
    for (let at = 0; at < piece.length && !failure; at++) {
      const byte = piece[at]!
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE && depth > 0) inString = true
      else if (OPENING.has(byte)) {
        if (depth === 0) start = at
        depth++
      } else if (CLOSING.has(byte) && depth > 0) {
        depth--
        if (depth > 0) continue
        number++
        const end = piece.subarray(start, at + 1)
        if (keptBytes + end.length > bytesMax) failure = tooLong(number, bytesMax)
        else lines.push({ number, text: kept.length === 0 ? end : Buffer.concat([...kept, end]) })
        kept = []
        keptBytes = 0
        start = at + 1
      } else if (depth === 0 && !SPACE.has(byte)) {
        failure = new HttpError('MALFORMED_BODY', `after ${number} records: expected a JSON object`)
      }
    }
    if (lines.length > 0) yield lines
    if (failure) throw failure
    if (depth === 0) continue
    const rest = piece.subarray(start)
    keptBytes += rest.length
    if (keptBytes > bytesMax) throw tooLong(number + 1, bytesMax)
    kept.push(rest)
  }
  if (depth > 0) throw new HttpError('MALFORMED_BODY', `record ${number + 1} does not end`)
}

function tooLong(number: number, bytesMax: number): HttpError {
  return new HttpError('LINE_TOO_LONG', `record ${number} has more than ${bytesMax} bytes`)
}
