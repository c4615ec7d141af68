/**
 * What a JSON value has for each unfolded column, as Parquet takes it. What is not there, or is of another type, is null: the
 * value itself stays in the archive, so nothing is lost.
 */
import type { ArchiveColumn } from '../log/index.ts'

export type ColumnValue = string | number | bigint | boolean | null

const DAY_MS = 86_400_000
const INT_MAX = 2 ** 31 - 1
const LONG_MAX = 2n ** 63n - 1n
/** Beyond them JavaScript has no dates; Iceberg's microseconds reach further. */
const TIME_MS_MAX = 8.64e15
const DATE = /^\d{4}-\d\d-\d\d$/
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:?\d\d)?$/
/** Numbers with as many digits may be more than a double holds. */
const MANY_DIGITS = /\d{16}/

/** One for each column; all null where the value is no JSON object. */
export function unfold(value: Buffer | null, columns: readonly ArchiveColumn[]): ColumnValue[] {
  const root = value === null ? undefined : parse(value.toString('utf8'))
  return columns.map(({ path, type }) => {
    let found = root
    for (const name of path) found = memberOf(found, name)
    return found === undefined || found === null ? null : convert(found, type)
  })
}

function parse(text: string): unknown {
  try {
    return MANY_DIGITS.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
  } catch {
    return undefined
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  const isLong = typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined
  return isLong && /^-?\d+$/.test(source) ? BigInt(source) : value
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function convert(value: unknown, type: ArchiveColumn['type']): ColumnValue {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : textOf(value)
    case 'json':
      return textOf(value)
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'int':
      return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= INT_MAX ? value : null
    case 'long':
      return longOf(value)
    case 'double':
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null
    case 'date':
      return typeof value === 'string' && DATE.test(value) ? orNull(Date.parse(value) / DAY_MS) : null
    case 'timestamp':
      return timestampOf(value)
  }
}

/** Null where it is nested so deeply that it cannot be written. */
function textOf(value: unknown): string | null {
  try {
    return JSON.stringify(value, (_key, member) =>
      typeof member === 'bigint' ? (JSON as unknown as RawJson).rawJSON(String(member)) : member,
    )
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** TypeScript does not know it yet (ECMAScript 2026). */
interface RawJson {
  rawJSON(text: string): unknown
}

function longOf(value: unknown): bigint | null {
  const isDigits = typeof value === 'string' && /^-?\d{1,19}$/.test(value)
  if (!isDigits && typeof value !== 'bigint' && !Number.isSafeInteger(value)) return null
  const long = BigInt(value as string | number | bigint)
  return long <= LONG_MAX && long >= -LONG_MAX ? long : null
}

/** Microseconds since 1970, of a text in ISO 8601 (without a zone: UTC) or of a number of milliseconds. */
function timestampOf(value: unknown): bigint | null {
  if (typeof value === 'number') {
    return Math.abs(value) <= TIME_MS_MAX ? BigInt(Math.round(value * 1_000)) : null
  }
  if (typeof value !== 'string') return null
  const [, day, minutes, seconds = ':00', fraction = '', zone = 'Z'] = TIME.exec(value) ?? []
  if (day === undefined && !DATE.test(value)) return null
  const ms = orNull(Date.parse(day === undefined ? value : `${day}T${minutes}${seconds}${zone}`))
  return ms === null ? null : BigInt(ms) * 1_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}

function orNull(number: number): number | null {
  return Number.isNaN(number) ? null : number
}
