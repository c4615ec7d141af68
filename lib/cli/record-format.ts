import { jsonLine } from './output.ts'
import type { ReadRecord } from './topic-reader.ts'

/**
 * How a record is written out and read in. `json` is one object a line that loses nothing: bytes that are no UTF-8
 * stand in `keyBase64`, `valueBase64`; `varve produce --format record` takes the same objects.
 */
export type RecordFormat = 'text' | 'json' | 'raw'

export const recordFormats: readonly RecordFormat[] = ['text', 'json', 'raw']

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const newline = Buffer.from('\n')

export function formatRecords(records: readonly ReadRecord[], format: RecordFormat, topic: string): Uint8Array {
  if (format === 'raw') return Buffer.concat(records.flatMap(record => [record.value ?? Buffer.alloc(0), newline]))
  const write = format === 'json' ? (record: ReadRecord) => jsonLine(recordJson(record, topic)) : textLine
  return Buffer.from(records.map(write).join(''))
}

function textLine(record: ReadRecord): string {
  const time = new Date(record.timestamp).toISOString()
  const key = record.key === null ? '' : `  ${readable(record.key)}`
  return `${time}  ${record.partition}@${record.offset}${key}  ${record.value === null ? '(null)' : readable(record.value)}\n`
}

function recordJson(record: ReadRecord, topic: string): Record<string, unknown> {
  return {
    topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: new Date(record.timestamp).toISOString(),
    ...field('key', record.key),
    ...field('value', record.value),
    headers: record.headers.map(([name, value]) => ({ ...field('name', name), ...field('value', value) })),
  }
}

function field(name: string, bytes: Uint8Array | null): Record<string, string | null> {
  if (bytes === null) return { [name]: null }
  const text = decode(bytes)
  return text === undefined ? { [`${name}Base64`]: Buffer.from(bytes).toString('base64') } : { [name]: text }
}

/** Control characters would garble a terminal. */
function readable(bytes: Uint8Array): string {
  const text = decode(bytes)
  if (text === undefined) return `(${bytes.length} bytes) ${Buffer.from(bytes).toString('base64')}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, character => JSON.stringify(character).slice(1, -1))
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
