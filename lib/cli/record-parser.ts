import type { MessageToProduce } from '@platformatic/kafka'
import { CommandError } from './failure.ts'

/** Makes records of input lines. Errors name the line. */
export interface ParserOptions {
  readonly topic: string
  readonly format: InputFormat
  /** The field of a JSON line whose value becomes the key; dots go into objects. */
  readonly keyField?: string
  /** What stands between key and value in a line. */
  readonly keySeparator?: string
  readonly headers?: ReadonlyMap<string, string>
  readonly partition?: number
}

export type InputFormat = 'lines' | 'json' | 'record'

export const inputFormats: readonly InputFormat[] = ['lines', 'json', 'record']

export type OutgoingRecord = MessageToProduce<Buffer, Buffer | null, Buffer, Buffer>

export class RecordParser {
  readonly #options: ParserOptions
  readonly #headers: Map<Buffer, Buffer>
  #lineNumber = 0

  constructor(options: ParserOptions) {
    this.#options = options
    this.#headers = new Map(
      [...(options.headers ?? [])].map(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
    )
  }

  parse(line: Buffer): OutgoingRecord {
    this.#lineNumber++
    const { topic, format, partition } = this.#options
    const record: OutgoingRecord = { topic, value: line, headers: this.#headers }
    if (partition !== undefined) record.partition = partition
    if (format === 'record') return this.#fromEnvelope(line, record)
    if (format === 'json') return this.#fromJson(line, record)
    return this.#fromText(line, record)
  }

  #fromText(line: Buffer, record: OutgoingRecord): OutgoingRecord {
    const { keySeparator } = this.#options
    if (keySeparator === undefined) return record
    const at = line.indexOf(keySeparator)
    if (at < 0) throw this.#broken(`has no ${JSON.stringify(keySeparator)} between key and value`)
    record.key = line.subarray(0, at)
    record.value = line.subarray(at + Buffer.byteLength(keySeparator))
    return record
  }

  #fromJson(line: Buffer, record: OutgoingRecord): OutgoingRecord {
    const json = this.#json(line)
    const { keyField } = this.#options
    if (keyField === undefined) return record
    const key = keyField.split('.').reduce((value, name) => member(value, name), json)
    if (key === undefined) throw this.#broken(`has no field ${keyField} for the key`)
    if (key !== null) record.key = Buffer.from(typeof key === 'string' ? key : JSON.stringify(key))
    return record
  }

  /** What `varve tail --format json` prints. */
  #fromEnvelope(line: Buffer, record: OutgoingRecord): OutgoingRecord {
    const envelope = this.#json(line)
    if (typeof envelope !== 'object' || envelope === null) throw this.#broken('is no JSON object')
    const key = this.#bytes(envelope, 'key')
    const timestamp = member(envelope, 'timestamp')
    if (key) record.key = key
    record.value = this.#bytes(envelope, 'value')
    if (timestamp !== undefined) record.timestamp = this.#timestamp(timestamp)
    const headers = member(envelope, 'headers') ?? []
    if (!Array.isArray(headers)) throw this.#broken('has headers that are no list of {"name", "value"}')
    const own = headers.map((header): [Buffer, Buffer] => [
      this.#bytes(header, 'name') ?? Buffer.alloc(0),
      this.#bytes(header, 'value') ?? Buffer.alloc(0),
    ])
    record.headers = new Map([...this.#headers, ...own])
    return record
  }

  #bytes(from: unknown, name: string): Buffer | null {
    const base64 = member(from, `${name}Base64`)
    if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
    const text = member(from, name)
    if (text === undefined || text === null) return null
    return Buffer.from(typeof text === 'string' ? text : JSON.stringify(text))
  }

  #timestamp(value: unknown): bigint {
    const ms = typeof value === 'number' ? value : Date.parse(String(value))
    if (!Number.isSafeInteger(ms)) throw this.#broken('has a timestamp that is neither a time nor ms since 1970')
    return BigInt(ms)
  }

  #json(line: Buffer): unknown {
    try {
      return JSON.parse(line.toString())
    } catch {
      throw this.#broken('is no JSON')
    }
  }

  #broken(what: string): CommandError {
    return new CommandError(`Line ${this.#lineNumber} ${what}; the lines before it may have been sent.`)
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
