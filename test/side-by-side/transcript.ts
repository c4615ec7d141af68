/**
 * One server's answers to a script of requests, in a form in which two servers can be compared: ids, times and addresses are
 * masked, lists that have no order are sorted, records are told by what is in them.
 */
import {
  type Api,
  type Decoded,
  decodeResponse,
  type Encodable,
  encodeResponse,
  type Fields,
} from '../../lib/protocol/index.ts'
import { splitBatches } from '../../lib/records/index.ts'
import { WireClient } from '../support/wire-client.ts'

export interface Entry {
  /** API and version. */
  readonly asked: string
  readonly answer: unknown
}

/** A request had no answer: the connection was closed, or time was up. */
export class NoAnswer extends Error {}

const ANSWER_MS_MAX = 20_000
const FRAME_SIZE_BYTES = 4

export class Transcript {
  readonly entries: Entry[] = []
  /** Answers that are not the same bytes again once they were decoded and encoded: API and version. */
  readonly otherBytes = new Set<string>()
  readonly #port: number
  readonly #names = new Map<string, string>()
  #client: WireClient | undefined

  constructor(port: number) {
    this.#port = port
  }

  /** Sends a request and notes the answer, or that there is none. @throws NoAnswer */
  async ask<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<R>> {
    const asked = `${api.name} v${version}`
    try {
      const answer = await this.#request(api, version, body)
      this.entries.push({ asked, answer: this.#mask('', answer) })
      return answer
    } catch (error) {
      this.#client?.end()
      this.#client = undefined
      const reason = error instanceof Error ? error.message : String(error)
      this.entries.push({ asked, answer: `no answer: ${reason}` })
      throw new NoAnswer(`${asked}: ${reason}`)
    }
  }

  /** As `ask`, for preparations that are not compared. */
  async prepare<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<R>> {
    return this.#request(api, version, body)
  }

  /** The script ended here. */
  fail(error: unknown): void {
    this.entries.push({ asked: 'nothing more', answer: String(error) })
  }

  /** Begins a new connection. */
  reconnect(): void {
    this.#client?.end()
    this.#client = undefined
  }

  async #request<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<R>> {
    this.#client ??= await WireClient.connect(this.#port)
    const answer = this.#exchange(this.#client, { api, version, body })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('time is up')), ANSWER_MS_MAX)
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
      answer.catch(() => {})
    }
  }

  async #exchange<Q extends Fields, R extends Fields>(
    client: WireClient,
    { api, version, body }: { api: Api<Q, R>; version: number; body: Encodable<Q> },
  ): Promise<Decoded<R>> {
    const sent = client.send(api, version, body)
    const frame = await client.receiveFrame()
    const { correlationId, body: answer } = decodeResponse(api, version, frame)
    if (correlationId !== sent) throw new Error(`response to ${correlationId}, where ${sent} was next`)
    const again = Buffer.concat(encodeResponse({ api, version, correlationId, body: answer as Encodable<R> }))
    if (!again.subarray(FRAME_SIZE_BYTES).equals(frame)) this.otherBytes.add(`${api.name} v${version}`)
    return answer
  }

  #mask(field: string, value: unknown): unknown {
    if (value instanceof Uint8Array) return field === 'records' ? describeRecords(value) : `bytes ${hexOf(value)}`
    if (Array.isArray(value)) {
      if (field === 'records') return describeRecords(Buffer.concat(value as Uint8Array[]))
      return sorted(value.map(element => this.#mask(field, element)))
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.#mask(name, inner)]))
    }
    if (typeof value === 'string') return this.#maskText(field, value)
    if (typeof value === 'number' || typeof value === 'bigint') return this.#maskNumber(field, Number(value))
    return value
  }

  #maskText(field: string, text: string): string {
    if (MASKED_TEXTS.has(field)) return text === '' ? '' : `<${field}>`
    const named = (TEXTS_WITH_TIMES.has(field) ? text.replaceAll(/-?\d{13,19}/g, '<time>') : text)
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, id => this.#name('uuid', id))
      .replaceAll(/\b[0-9a-f]{32}\b/g, id => (id === ZERO ? 'zero' : this.#name('id', id)))
    // A UUID in base64url, as Kafka writes topic ids and member ids that are drawn by the server.
    return /^[A-Za-z0-9_-]{22}$/.test(named) ? this.#name('uuid', named) : named
  }

  #maskNumber(field: string, value: number): number | string {
    if (MASKED_NUMBERS.has(field)) return value < 0 ? value : `<${field}>`
    return field === 'producerId' && value >= 0 ? this.#name('producer', String(value)) : value
  }

  /** The same for the same id in one transcript. */
  #name(kind: string, id: string): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const name = `<${kind} ${this.#names.size}>`
    this.#names.set(id, name)
    return name
  }
}

const ZERO = '0'.repeat(32)
const MASKED_TEXTS = new Set(['clusterId', 'host', 'clientHost', 'logDir', 'coordinatorKey'])
const TEXTS_WITH_TIMES = new Set(['errorMessage', 'batchIndexErrorMessage'])
const MASKED_NUMBERS = new Set([
  'port',
  'throttleTimeMs',
  'logAppendTimeMs',
  'lastTimestamp',
  'transactionStartTimeMs',
  'totalBytes',
  'usableBytes',
  'finalizedFeaturesEpoch',
  'subscriptionId',
])

/** What tells the elements of a list apart; the first that an element has. */
const KEYS = [
  'apiKey',
  'resourceType',
  'name',
  'topicName',
  'topic',
  'topicId',
  'partitionIndex',
  'partition',
  'partitionId',
  'index',
  'resourceName',
  'groupId',
  'memberId',
  'feature',
  'user',
  'transactionalId',
  'nodeId',
  'brokerId',
  'key',
]

/** The name of an element of a list, where it has one. */
export function keyOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const record = value as Record<string, unknown>
  const isNamed = typeof (record.name ?? record.topicName ?? record.topic) === 'string'
  const parts = KEYS.filter(key => key in record && !(key === 'topicId' && isNamed)).map(key =>
    String(record[key]).padStart(8),
  )
  return parts.length === 0 ? undefined : parts.join(' ')
}

function sorted(values: unknown[]): unknown[] {
  return values.toSorted((a, b) => {
    const [first, second] = [keyOf(a) ?? '', keyOf(b) ?? '']
    return first < second ? -1 : first > second ? 1 : 0
  })
}

function describeRecords(bytes: Uint8Array): unknown {
  try {
    return splitBatches(bytes).map(batch => ({
      baseOffset: batch.baseOffset,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      records: batch.recordCount,
      lastOffsetDelta: batch.lastOffsetDelta,
      compression: batch.compression,
      timestampType: batch.timestampType,
      isControl: batch.isControl,
      isTransactional: batch.isTransactional,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
    }))
  } catch {
    return `bytes ${hexOf(bytes)}`
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
