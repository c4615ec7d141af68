/** A record as a client writes it in JSON, and as a batch holds it. */
import * as z from 'zod'
import type { NewRecord } from '../../records/index.ts'
import { HttpError } from '../errors.ts'
import { jsonBytes } from '../json.ts'

/** What fits a record's timestamp delta. */
const TIMESTAMP_MAX = 2 ** 52
export const partitionSchema = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
export const timestampSchema = z.int().min(0).max(TIMESTAMP_MAX)
export const keyEncodings = ['text', 'json', 'base64'] as const
export const valueEncodings = ['json', 'text', 'base64'] as const

const headerSchema = z.strictObject({
  key: z.string(),
  value: z.string().nullable(),
  encoding: z.enum(['text', 'base64']).optional(),
})

export const recordSchema = z
  .strictObject({
    key: z
      .unknown()
      .optional()
      .describe('A string is its UTF-8; anything else its JSON, unless keyEncoding says more.'),
    keyEncoding: z.enum(keyEncodings).optional(),
    value: z
      .unknown()
      .optional()
      .describe('Stored as JSON unless valueEncoding says more; null or absent: none (a tombstone).'),
    valueEncoding: z.enum(valueEncodings).optional(),
    headers: z.union([z.array(headerSchema), z.record(z.string(), z.string())]).optional(),
    partition: partitionSchema.optional().describe('By the key, or any, unless told.'),
    timestamp: z
      .union([timestampSchema, z.iso.datetime({ offset: true })])
      .optional()
      .describe('Ms since 1970, or ISO 8601; now unless told.'),
    offset: z.unknown().optional().describe('Not looked at, so that what was consumed can be sent again as it is.'),
  })
  .meta({ id: 'NewRecord' })

export type RecordInput = z.infer<typeof recordSchema>

export interface InputRecord extends NewRecord {
  /** Undefined: by the key, or any. */
  readonly partition: number | undefined
}

export interface InputDefaults {
  readonly partition?: number | undefined
  readonly keyEncoding?: RecordInput['keyEncoding']
  readonly valueEncoding?: RecordInput['valueEncoding']
  readonly now: number
}

/** `parsed`: any JSON. @throws HttpError BAD_REQUEST that says where the record is wrong */
export function readRecordInput(parsed: unknown, defaults: InputDefaults, where: string): InputRecord {
  const checked = recordSchema.safeParse(parsed)
  if (!checked.success) {
    const { path, message } = checked.error.issues[0]!
    throw new HttpError('BAD_REQUEST', `${[where, ...path].join('.')}: ${message}`)
  }
  const { key, value, headers = [], timestamp, partition, ...encodings } = checked.data
  const keyEncoding = encodings.keyEncoding ?? defaults.keyEncoding ?? (typeof key === 'string' ? 'text' : 'json')
  const valueEncoding = encodings.valueEncoding ?? defaults.valueEncoding ?? 'json'
  return {
    key: encode(key, keyEncoding, `${where}.key`),
    value: encode(value, valueEncoding, `${where}.value`),
    headers: Array.isArray(headers)
      ? headers.map(header => ({
          key: header.key,
          value: encode(header.value, header.encoding ?? 'text', `${where}.headers`),
        }))
      : Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
    timestamp:
      timestamp === undefined ? defaults.now : typeof timestamp === 'number' ? timestamp : timeOf(timestamp, where),
    partition: partition ?? defaults.partition,
  }
}

function encode(value: unknown, encoding: 'json' | 'text' | 'base64', where: string): Buffer | null {
  if (value === null || value === undefined) return null
  if (encoding === 'json') return jsonBytes(value, where)
  if (typeof value !== 'string') throw new HttpError('BAD_REQUEST', `${where}: expected a string of ${encoding}`)
  return encoding === 'text' ? Buffer.from(value) : decodeBase64(value, where)
}

/** Both alphabets, with or without padding; Buffer alone would skip what is none. */
export function decodeBase64(text: string, where: string): Buffer {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) {
    throw new HttpError('BAD_REQUEST', `${where}: expected base64`)
  }
  return Buffer.from(text, 'base64')
}

function timeOf(text: string, where: string): number {
  const time = Date.parse(text)
  if (time >= 0) return time
  throw new HttpError('BAD_REQUEST', `${where}.timestamp: expected a time from 1970 on`)
}
