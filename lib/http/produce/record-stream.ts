/**
 * A body of records of any length (NDJSON, or JSON objects one after the other) becomes appends, and an answer for each record. While an append is under way
 * the lines that come gather for the next one; when too much is under way, or too much of the answer has not been taken,
 * no more is read. So a slow log slows the sender down, and memory stays bounded.
 */
import type { Clock } from '../../base/index.ts'
import { HttpError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { textIn } from '../text.ts'
import { type Appender, type Outcome, sizeOf } from './appender.ts'
import type { InputRecord } from './record-input.ts'
import type { Line } from './record-lines.ts'
import { appendTo, type TargetTopic } from './topic-for.ts'

/** An append takes at most so many bytes of records, */
const GROUP_BYTES = 1_024 * 1_024
/** of which so many are under way at once. */
const GROUPS_UNDER_WAY_MAX = 4
/** What the error of a line counts for. */
const ERROR_BYTES = 512
/** Outcomes that the sender may leave untaken while it still sends. */
const UNTAKEN_OUTCOMES_MAX = 500_000

export interface RecordStreamOptions {
  readonly topic: TargetTopic
  readonly appender: Appender
  readonly clock: Clock
  /** The records' texts, as they end in the pieces. */
  readonly split: (pieces: AsyncIterable<Uint8Array>, bytesMax: number) => AsyncGenerator<Line[]>
  /** What one says, parsed. @throws HttpError */
  readonly read: (parsed: unknown, where: string, now: number) => InputRecord
  readonly lineBytesMax: number
  readonly appendTimeoutMs: number
}

/** Outcomes in the order of the lines, as they come to be known. @throws what `pieces` throws */
export async function* appendLines(
  pieces: AsyncIterable<Uint8Array>,
  options: RecordStreamOptions,
): AsyncGenerator<Outcome[]> {
  const stream = new RecordStream(options)
  const reading = stream.readAll(pieces)
  const ended = reading.catch(() => undefined)
  try {
    yield* stream.outcomes()
  } finally {
    stream.stop()
    await ended
  }
  await reading
}

class RecordStream {
  readonly #options: RecordStreamOptions
  /** In order; the first ones may be known. */
  readonly #answers: Promise<Outcome[]>[] = []
  #gathered: (InputRecord | HttpError)[] = []
  #gatheredBytes = 0
  #underWay = 0
  #untaken = 0
  #ended = false
  #stopped = false
  /** Wakes whoever waits for a change of any of these. */
  #changed = Promise.withResolvers<void>()

  constructor(options: RecordStreamOptions) {
    this.#options = options
  }

  async readAll(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await this.#gatherAll(pieces)
    } finally {
      // What came before the end, or before a failure, is appended.
      while (this.#gathered.length > 0 && !this.#stopped) await this.#room()
      this.#ended = true
      this.#wake()
    }
  }

  async #gatherAll(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const lines of this.#options.split(pieces, this.#options.lineBytesMax)) {
      for (const line of lines) {
        this.#gather(line)
        if (this.#gatheredBytes >= GROUP_BYTES) await this.#room()
        if (this.#stopped) return
      }
      this.#flush()
    }
  }

  async *outcomes(): AsyncGenerator<Outcome[]> {
    for (;;) {
      const next = this.#answers.shift()
      if (next) {
        const outcomes = await next
        yield outcomes
        this.#untaken -= outcomes.length
        this.#wake()
      } else if (this.#ended) return
      else await this.#changed.promise
    }
  }

  stop(): void {
    this.#stopped = true
    this.#wake()
  }

  #gather(line: Line): void {
    const { clock, read } = this.#options
    try {
      if ('error' in line) throw line.error
      const where = `line ${line.number}`
      const text = textIn(line.text)
      if (text === undefined) throw new HttpError('MALFORMED_BODY', `${where} is not UTF-8`)
      const record = read(parseJson(text, where), where, clock.now())
      this.#gathered.push(record)
      this.#gatheredBytes += sizeOf(record)
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      this.#gathered.push(error)
      this.#gatheredBytes += ERROR_BYTES
    }
  }

  /** Waits until what is gathered can go, and lets it go. */
  async #room(): Promise<void> {
    while (!this.#stopped && (this.#underWay >= GROUPS_UNDER_WAY_MAX || this.#untaken >= UNTAKEN_OUTCOMES_MAX)) {
      await this.#changed.promise
    }
    if (!this.#stopped) this.#send()
  }

  /** Lets it go if nothing is under way: what comes next gathers meanwhile. */
  #flush(): void {
    if (this.#underWay === 0 && this.#gathered.length > 0) this.#send()
  }

  #send(): void {
    const gathered = this.#gathered
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#underWay++
    this.#untaken += gathered.length
    const answer = this.#append(gathered)
    this.#answers.push(answer)
    const done = () => {
      this.#underWay--
      if (!this.#stopped && this.#untaken < UNTAKEN_OUTCOMES_MAX) this.#flush()
      this.#wake()
    }
    answer.then(done, done)
    this.#wake()
  }

  /** Never rejects. */
  async #append(gathered: readonly (InputRecord | HttpError)[]): Promise<Outcome[]> {
    const { appender, topic, appendTimeoutMs } = this.#options
    const appended = appendTo(topic, gathered, { appender, timeoutMs: appendTimeoutMs })
    // The topic could not be made.
    return appended.catch(error => gathered.map(one => ({ error: one instanceof HttpError ? one : error })))
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
