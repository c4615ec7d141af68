/**
 * The topics as consumer groups look at them: shapes by name, and which names a regular expression matches. What is asked
 * for first is read at once; later changes are noticed when what is known has aged (settings.ts), so asking costs
 * nothing in between. One for all groups of a process.
 */
import { LRUCache } from 'lru-cache'
import { RE2JS, RE2JSException } from 're2js'
import { type Clock, SingleFlight } from '../base/index.ts'
import type { TopicShape } from './consumer-document.ts'
import type { TopicsSeen } from './consumer-group.ts'
import { GroupError } from './errors.ts'
import { REGEX_LENGTH_MAX, REGEXES_MAX, TOPIC_LIST_REFRESH_MS } from './settings.ts'

/** What groups ask of the log. */
export interface TopicSource {
  find(key: { readonly name: string }): Promise<(TopicShape & { readonly name: string }) | undefined>
  list(): Promise<(TopicShape & { readonly name: string })[]>
  create(topic: NewInternalTopic): Promise<unknown>
}

export interface NewInternalTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

interface Listed {
  readonly asOf: number
  readonly topics: ReadonlyMap<string, TopicShape>
}

export class TopicCatalog {
  readonly #source: TopicSource
  readonly #clock: Clock
  readonly #flights = new SingleFlight<'list', Listed>()
  readonly #patterns = new LRUCache<string, RE2JS>({ maxSize: REGEXES_MAX, sizeCalculation: () => 1 })
  #listed: Listed | undefined

  constructor(source: TopicSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** @throws GroupError INVALID_REGULAR_EXPRESSION */
  checkRegex(regex: string): void {
    this.#patternOf(regex)
  }

  /** @throws LogError TOPIC_EXISTS, or why there cannot be such a topic; StoreError */
  async create(topic: NewInternalTopic): Promise<void> {
    await this.#source.create(topic)
  }

  /** @throws GroupError INVALID_REGULAR_EXPRESSION; StoreError */
  async look(
    names: Iterable<string>,
    regexes: Iterable<string>,
    listAgeMaxMs = TOPIC_LIST_REFRESH_MS,
  ): Promise<TopicsSeen> {
    const patterns = new Map([...regexes].map(regex => [regex, this.#patternOf(regex)]))
    const listed = patterns.size > 0 ? (await this.#list(listAgeMaxMs)).topics : new Map<string, TopicShape>()
    const found = new Map<string, TopicShape>(listed)
    for (const name of new Set(names)) {
      const topic = await this.#source.find({ name })
      if (topic) found.set(name, { id: topic.id, partitions: topic.partitions })
      else found.delete(name)
    }
    const matches = new Map(
      [...patterns].map(([regex, pattern]) => [regex, [...listed.keys()].filter(name => pattern.matches(name)).sort()]),
    )
    return { named: name => found.get(name), matching: regex => matches.get(regex) ?? [] }
  }

  async #list(ageMaxMs: number): Promise<Listed> {
    const known = this.#listed
    if (known && this.#clock.monotonic() - known.asOf < ageMaxMs) return known
    return this.#flights.run('list', async () => {
      const asOf = this.#clock.monotonic()
      const topics = await this.#source.list()
      this.#listed = { asOf, topics: new Map(topics.map(({ name, id, partitions }) => [name, { id, partitions }])) }
      return this.#listed
    })
  }

  #patternOf(regex: string): RE2JS {
    const known = this.#patterns.get(regex)
    if (known) return known
    if (regex.length > REGEX_LENGTH_MAX) throw invalid(regex.slice(0, 100), `it is longer than ${REGEX_LENGTH_MAX}`)
    try {
      const pattern = RE2JS.compile(regex)
      this.#patterns.set(regex, pattern)
      return pattern
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error
      throw invalid(regex, error.message)
    }
  }
}

function invalid(regex: string, why: string): GroupError {
  return new GroupError(
    'INVALID_REGULAR_EXPRESSION',
    `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${why}.`,
  )
}
