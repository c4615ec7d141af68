/** A stored record as JSON: in the shape in which it could be produced again. */
import * as z from 'zod'
import type { BatchRecord } from '../../records/index.ts'
import { jsonLine } from '../json.ts'
import { shownTextIn } from '../text.ts'

export const outputEncodings = ['auto', 'json', 'text', 'base64'] as const
export type OutputEncoding = (typeof outputEncodings)[number]

export interface OutputFormat {
  readonly keyEncoding?: 'auto' | 'text' | 'base64' | undefined
  readonly valueEncoding?: OutputEncoding | undefined
}

export const outputRecordSchema = z.object({
  topic: z.string().optional(),
  partition: z.int(),
  offset: z.int(),
  timestamp: z.int().optional(),
  key: z.unknown(),
  keyEncoding: z.literal('base64').optional().describe('Where the key is no UTF-8, or very long.'),
  value: z.unknown(),
  valueEncoding: z
    .enum(['text', 'base64'])
    .optional()
    .describe('Where the value is no JSON, or is no UTF-8 either, or very long.'),
  headers: z
    .array(z.object({ key: z.string(), value: z.string().nullable(), encoding: z.literal('base64').optional() }))
    .optional(),
})

export interface Place {
  readonly topic?: string
  readonly partition: number
}

/** One line, without its end. A JSON value goes in as the text that was stored. */
export function recordLine(record: BatchRecord, place: Place, format: OutputFormat): string {
  const { offset, timestamp, headers } = record
  const members = [
    ...(place.topic === undefined ? [] : [`"topic":${JSON.stringify(place.topic)}`]),
    `"partition":${place.partition}`,
    `"offset":${offset}`,
    ...(timestamp >= 0 ? [`"timestamp":${timestamp}`] : []),
    ...keyMembers(record.key, format.keyEncoding ?? 'auto'),
    ...valueMembers(record.value, format.valueEncoding ?? 'auto'),
    ...(headers.length > 0
      ? [`"headers":[${headers.map(header => headerText(header.key, header.value)).join(',')}]`]
      : []),
  ]
  return `{${members.join(',')}}`
}

function keyMembers(key: Buffer | null, encoding: 'auto' | 'text' | 'base64'): string[] {
  if (key === null) return ['"key":null']
  const text = encoding === 'base64' ? undefined : shownTextIn(key)
  if (text !== undefined) return [`"key":${JSON.stringify(text)}`]
  return [`"key":"${key.toString('base64')}"`, '"keyEncoding":"base64"']
}

function valueMembers(value: Buffer | null, encoding: OutputEncoding): string[] {
  if (value === null) return ['"value":null']
  const text = encoding === 'base64' ? undefined : shownTextIn(value)
  if (text === undefined) return [`"value":"${value.toString('base64')}"`, '"valueEncoding":"base64"']
  // The JSON null would read as a record without a value.
  const json = encoding === 'text' || text.trim() === 'null' ? undefined : jsonLine(text)
  if (json !== undefined) return [`"value":${json}`]
  return [`"value":${JSON.stringify(text)}`, '"valueEncoding":"text"']
}

function headerText(key: string, value: Buffer | null): string {
  if (value === null) return JSON.stringify({ key, value })
  const text = shownTextIn(value)
  return JSON.stringify(
    text === undefined ? { key, value: value.toString('base64'), encoding: 'base64' } : { key, value: text },
  )
}
