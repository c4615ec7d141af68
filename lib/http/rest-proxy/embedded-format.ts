/** The embedded formats of REST Proxy v2: what keys and values are in its JSON. */
import type { BatchRecord } from '../../records/index.ts'
import { HttpError } from '../errors.ts'
import { jsonBytes, jsonLine } from '../json.ts'
import { contentTypeOf } from '../media-types.ts'
import { decodeBase64 } from '../produce/record-input.ts'
import { SHOWN_TEXT_BYTES_MAX, textIn } from '../text.ts'

export const V2_TYPE = 'application/vnd.kafka.v2+json'
export const embeddedFormats = ['binary', 'json'] as const
export type EmbeddedFormat = (typeof embeddedFormats)[number]

export function mediaTypeOf(format: EmbeddedFormat): string {
  return `application/vnd.kafka.${format}.v2+json`
}

/** Of a request's body. @throws HttpError UNSUPPORTED_MEDIA_TYPE */
export function formatOfBody(request: Request): EmbeddedFormat {
  const type = contentTypeOf(request)
  const format = embeddedFormats.find(each => mediaTypeOf(each) === type)
  if (format) return format
  // The Proxy takes what says no format for binary.
  if (type === V2_TYPE || type === 'application/vnd.kafka+json') return 'binary'
  throw new HttpError(
    'UNSUPPORTED_MEDIA_TYPE',
    `records come as ${embeddedFormats.map(mediaTypeOf).join(' or ')}, not as ${type}`,
  )
}

/** Whether an answer in the format is one that the request takes. */
export function accepts(request: Request, format: EmbeddedFormat): boolean {
  const types = (request.headers.get('accept') ?? '*/*')
    .split(',')
    .map(type => type.split(';')[0]!.trim().toLowerCase())
  return types.some(
    type => type === mediaTypeOf(format) || ['*/*', 'application/*', 'application/json', V2_TYPE].includes(type),
  )
}

/** @throws HttpError BAD_REQUEST */
export function encodeEmbedded(value: unknown, format: EmbeddedFormat, where: string): Buffer | null {
  if (value === null || value === undefined) return null
  if (format === 'json') return jsonBytes(value, where)
  if (typeof value !== 'string') throw new HttpError('BAD_REQUEST', `${where}: expected a string of base64`)
  return decodeBase64(value, where)
}

/** As the Proxy answers records; JSON that is none is a string, and what is very long one of base64. */
export function embeddedRecord(
  record: BatchRecord,
  place: { topic: string; partition: number },
  format: EmbeddedFormat,
): string {
  const { topic, partition } = place
  const members = [
    `"topic":${JSON.stringify(topic)}`,
    `"key":${embeddedText(record.key, format)}`,
    `"value":${embeddedText(record.value, format)}`,
    `"partition":${partition}`,
    `"offset":${record.offset}`,
  ]
  return `{${members.join(',')}}`
}

function embeddedText(bytes: Buffer | null, format: EmbeddedFormat): string {
  if (bytes === null) return 'null'
  if (format === 'binary' || bytes.length > SHOWN_TEXT_BYTES_MAX) return `"${bytes.toString('base64')}"`
  const text = textIn(bytes)
  return (text === undefined ? undefined : jsonLine(text)) ?? JSON.stringify(text ?? bytes.toString('latin1'))
}
