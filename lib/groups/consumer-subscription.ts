/**
 * Kafka's ConsumerProtocolSubscription and ConsumerProtocolAssignment (all versions): what members of classic consumer
 * groups say to each other, read by a coordinator where subscriptions matter or members of both protocols meet.
 */
export interface ConsumerSubscription {
  readonly version: number
  readonly topics: readonly string[]
  /** Topic's name → partitions; none in version 0 and from eager consumers. */
  readonly owned: readonly (readonly [string, readonly number[]])[]
  readonly rackId: string | undefined
}

export interface ConsumerProtocolAssignment {
  readonly topics: readonly (readonly [string, readonly number[]])[]
  /** An assignor of the members' own has put something in. */
  readonly hasUserData: boolean
}

const NEWEST_VERSION = 3

/** The topics' names. Undefined where the bytes are not a subscription. */
export function subscribedTopics(metadata: Uint8Array): readonly string[] | undefined {
  return decoded(metadata, reader => {
    if (reader.int16() < 0) return undefined
    return reader.list(() => reader.string())
  })
}

/** Undefined where the bytes are not a subscription. */
export function readSubscription(metadata: Uint8Array): ConsumerSubscription | undefined {
  return decoded(metadata, reader => {
    const version = reader.int16()
    if (version < 0) return undefined
    const topics = reader.list(() => reader.string())
    reader.nullableBytes()
    const owned = version >= 1 ? reader.list(() => reader.topicPartitions()) : []
    if (version >= 2) reader.int32()
    const rackId = version >= 3 ? reader.nullableString() : undefined
    return { version, topics, owned, rackId }
  })
}

/** Undefined where the bytes are not an assignment; no bytes are an empty one. */
export function readConsumerAssignment(bytes: Uint8Array): ConsumerProtocolAssignment | undefined {
  if (bytes.length === 0) return { topics: [], hasUserData: false }
  return decoded(bytes, reader => {
    if (reader.int16() < 0) return undefined
    const topics = reader.list(() => reader.topicPartitions())
    return { topics, hasUserData: reader.nullableBytes() > 0 }
  })
}

export function writeConsumerAssignment(
  topics: readonly (readonly [string, readonly number[]])[],
  version: number,
): Uint8Array {
  const parts = topics.map(([name, partitions]) => {
    const text = Buffer.from(name)
    const part = Buffer.alloc(2 + text.length + 4 + 4 * partitions.length)
    let at = part.writeInt16BE(text.length)
    at += text.copy(part, at)
    at = part.writeInt32BE(partitions.length, at)
    for (const partition of partitions) at = part.writeInt32BE(partition, at)
    return part
  })
  const head = Buffer.alloc(6)
  head.writeInt16BE(Math.min(version, NEWEST_VERSION))
  head.writeInt32BE(topics.length, 2)
  const noUserData = Buffer.alloc(4)
  noUserData.writeInt32BE(-1)
  return Buffer.concat([head, ...parts, noUserData])
}

function decoded<T>(bytes: Uint8Array, read: (reader: Reader) => T | undefined): T | undefined {
  try {
    return read(new Reader(bytes))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Throws RangeError past the end. */
class Reader {
  readonly #buffer: Buffer
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  int16(): number {
    this.#position += 2
    return this.#buffer.readInt16BE(this.#position - 2)
  }

  int32(): number {
    this.#position += 4
    return this.#buffer.readInt32BE(this.#position - 4)
  }

  string(): string {
    const text = this.nullableString()
    if (text === undefined) throw new RangeError('null where a string must be')
    return text
  }

  nullableString(): string | undefined {
    const length = this.int16()
    return length < 0 ? undefined : this.#take(length).toString('utf8')
  }

  /** Its length; -1: null. */
  nullableBytes(): number {
    const length = this.int32()
    if (length > 0) this.#take(length)
    return length
  }

  topicPartitions(): [string, number[]] {
    return [this.string(), this.list(() => this.int32())]
  }

  list<T>(read: () => T): T[] {
    const count = this.int32()
    if (count > this.#buffer.length) throw new RangeError(`a list of ${count}`)
    return Array.from({ length: Math.max(0, count) }, read)
  }

  #take(length: number): Buffer {
    const end = this.#position + length
    if (end > this.#buffer.length) throw new RangeError('past the end')
    const view = this.#buffer.subarray(this.#position, end)
    this.#position = end
    return view
  }
}
