/**
 * JSON in and out without losing anything: numbers that a double cannot hold keep their digits, and a stored JSON value
 * goes into an answer as the text that it is.
 */
import { HttpError } from './errors.ts'

declare global {
  interface JSON {
    /** A primitive that `JSON.stringify` writes as this text (ECMAScript 2026). */
    rawJSON(text: string): object
  }
}

/** Digits or an exponent beyond what a double surely keeps. */
const DELICATE = /\d{16}|\d[eE]/
/** V8 reads JSON of any depth, but neither writes it nor shows a reviver what is deeper than its stack. */
const TOO_DEEP = 'nested too deeply'

/** @throws HttpError MALFORMED_BODY, BAD_REQUEST */
export function parseJson(text: string, what = 'the body'): unknown {
  try {
    return DELICATE.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
  } catch (error) {
    if (error instanceof RangeError) throw new HttpError('BAD_REQUEST', `${what}: ${TOO_DEEP}`)
    throw new HttpError('MALFORMED_BODY', `${what} is not JSON: ${(error as Error).message}`)
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value
}

/** The value as the bytes of its JSON. @throws HttpError BAD_REQUEST where it is nested so deeply that it cannot be written */
export function jsonBytes(value: unknown, where: string): Buffer {
  try {
    return Buffer.from(JSON.stringify(value))
  } catch (error) {
    if (error instanceof RangeError) throw new HttpError('BAD_REQUEST', `${where}: ${TOO_DEEP}`)
    throw error
  }
}

/** `text` on one line, if it is JSON. Line breaks can only be between its tokens. */
export function jsonLine(text: string): string | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return text.replace(/[\r\n]+/g, ' ')
}
