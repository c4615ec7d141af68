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

/** @throws HttpError MALFORMED_BODY */
export function parseJson(text: string, what = 'the body'): unknown {
  try {
    return DELICATE.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
  } catch (error) {
    throw new HttpError('MALFORMED_BODY', `${what} is not JSON: ${(error as Error).message}`)
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value
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
