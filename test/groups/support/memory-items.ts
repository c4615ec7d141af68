import {
  type Conflict,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  StoreError,
  type WriteOperation,
  type WriteOutcome,
} from '../../../lib/storage/index.ts'

export type Fault =
  | 'refused' // an error, and surely no effect
  | 'lost-before' // an unknown outcome, and no effect
  | 'lost-after' // an unknown outcome of a write that was done

const PAGE = 3

/** The item port in memory, with faults on demand and a memory of every write it was sent. */
export class MemoryItems implements ItemStore {
  readonly #items = new Map<string, Item>()
  readonly sent: (readonly WriteOperation[])[] = []
  reads = 0
  writes = 0
  /** Asked before each write. */
  faultOf: (operations: readonly WriteOperation[]) => Fault | undefined = () => undefined
  readFault: () => boolean = () => false
  /** Awaited before each call takes effect. */
  before: (what: 'get' | 'query' | 'write', key: ItemKey) => Promise<void> | void = () => {}
  /** Awaited before the answer to each write that was done. */
  afterWrite: (key: ItemKey) => Promise<void> | void = () => {}

  async get(key: ItemKey): Promise<Item | undefined> {
    this.reads++
    await this.before('get', key)
    if (this.readFault()) throw new StoreError('STORE_UNAVAILABLE', 'planned')
    return this.#items.get(nameOf(key))
  }

  async query(pk: string, query: ItemQuery = {}): Promise<ItemPage> {
    this.reads++
    await this.before('query', { pk, sk: query.from ?? '' })
    if (this.readFault()) throw new StoreError('STORE_UNAVAILABLE', 'planned')
    const found = [...this.#items.values()]
      .filter(({ key }) => key.pk === pk && key.sk >= (query.from ?? '') && (!query.to || key.sk <= query.to))
      .filter(({ key }) => query.cursor === undefined || key.sk > query.cursor)
      .sort((a, b) => (a.key.sk < b.key.sk ? -1 : 1))
    const items = found.slice(0, PAGE)
    return found.length > PAGE ? { items, cursor: items.at(-1)!.key.sk } : { items }
  }

  async write(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    this.writes++
    this.sent.push(operations)
    const fault = this.faultOf(operations)
    await this.before('write', operations[0]!.key)
    if (fault === 'refused') throw new StoreError('STORE_THROTTLED', 'planned')
    if (fault === 'lost-before') throw new StoreError('STORE_OUTCOME_UNKNOWN', 'planned')
    const outcome = this.apply(operations)
    if (fault === 'lost-after') throw new StoreError('STORE_OUTCOME_UNKNOWN', 'planned')
    await this.afterWrite(operations[0]!.key)
    return outcome
  }

  apply(operations: readonly WriteOperation[]): WriteOutcome {
    const conflicts = operations.flatMap(({ key, expected }, index): Conflict[] => {
      const item = this.#items.get(nameOf(key))
      return (item?.version ?? 'absent') === expected ? [] : [{ index, item }]
    })
    if (conflicts.length > 0) return { written: false, conflicts }
    for (const operation of operations) {
      const name = nameOf(operation.key)
      if (operation.kind === 'put') this.#items.set(name, { ...operation, value: new Uint8Array(operation.value) })
      if (operation.kind === 'delete') this.#items.delete(name)
    }
    return { written: true }
  }

  /** Every write that was ever sent arrives once more. */
  deliverAgain(): void {
    for (const operations of this.sent) this.apply(operations)
  }

  keys(): string[] {
    return [...this.#items.values()].map(({ key }) => `${key.pk}/${key.sk}`).sort()
  }

  /** What is stored, to compare. */
  contents(): string {
    return JSON.stringify(
      [...this.#items.values()]
        .map(({ key, version, value }) => [key.pk, key.sk, version, Buffer.from(value).toString('hex')])
        .sort(),
    )
  }

  async close(): Promise<void> {}
}

function nameOf({ pk, sk }: ItemKey): string {
  return JSON.stringify([pk, sk])
}
