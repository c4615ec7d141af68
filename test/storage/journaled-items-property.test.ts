/**
 * Random turns of writes against a plain map: whatever the halves of the journal, LMDB, processes that are killed and others that open the
 * folder do meanwhile, answers and contents are those of the map.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Item, ItemKey, ItemQuery, ItemStore, WriteOperation, WriteOutcome } from '../../lib/storage/index.ts'
import { openItems } from '../support/store-address.ts'
import { copyAsKilled } from './killed-folder.ts'

const RUNS = 12
const SIZES = [0, 10, 10, 3_000, 30_000, 60_000, 390_000]

const pk = fc.constantFrom('p', 'q')
const sk = fc.constantFrom('a', 'aa', 'b', 'é', 'z', '￿', '😀', 'c 1', 'c 2', 'c 3', 'c 4', 'c 5')
const operation = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'delete', 'check'),
  key: fc.record({ pk, sk }),
  /** Mostly what is there. */
  isRight: fc.integer({ min: 0, max: 9 }).map(number => number > 0),
  bytes: fc.constantFrom(...SIZES),
})
/** On keys of their own: of writes that are made at once nobody says which is first. */
const writes = fc
  .uniqueArray(operation, { minLength: 1, maxLength: 12, selector: ({ key }) => nameOf(key) })
  .chain(operations => fc.integer({ min: 1, max: 5 }).map(size => chunked(operations, size)))
const query = fc.record(
  { from: sk, to: sk, descending: fc.boolean(), limit: fc.integer({ min: 1, max: 5 }) },
  { requiredKeys: [] },
)
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('turn' as const), writes }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('query' as const), pk, query }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), key: fc.record({ pk, sk }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('closed' as const, 'killed' as const, 'shared' as const) }),
  },
)
type Told = typeof operation extends fc.Arbitrary<infer T> ? T : never

test.each([
  ['as it is', {}],
  ['with LMDB opened anew all the time', { mappedBytesMax: 1 }],
] as const)('answers as a map does, %s', async (_name, options) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }), async steps => {
      const root = await mkdtemp(join(tmpdir(), 'journaled-property-'))
      const model = new Model()
      let folders = 0
      let folder = join(root, '0')
      let store = await openItems({ kind: 'lmdb', folder, ...options })
      try {
        for (const one of steps) {
          if (one.kind === 'turn') {
            const prepared = one.writes.map(told => model.prepare(told))
            const outcomes = await Promise.all(prepared.map(({ operations }) => store.write(operations)))
            expect(outcomes.map(plain)).toEqual(prepared.map(({ outcome }) => plain(outcome)))
          } else if (one.kind === 'query') {
            expect(await pagesOf(store, one.pk, one.query)).toEqual(model.query(one.pk, one.query).map(plainItem))
          } else if (one.kind === 'get') {
            expect(plainItem(await store.get(one.key))).toEqual(plainItem(model.get(one.key)))
          } else if (one.kind === 'shared') {
            await (await openItems({ kind: 'lmdb', folder, ...options })).close()
          } else {
            const next = one.kind === 'killed' ? join(root, String(++folders)) : folder
            if (one.kind === 'killed') copyAsKilled(folder, next)
            await store.close()
            folder = next
            store = await openItems({ kind: 'lmdb', folder, ...options })
          }
        }
        for (const pk of ['p', 'q']) expect(await pagesOf(store, pk, {})).toEqual(model.query(pk, {}).map(plainItem))
      } finally {
        await store.close()
        await rm(root, { recursive: true })
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  )
})

class Model {
  readonly #items = new Map<string, Item>()
  #versions = 0

  get(key: ItemKey): Item | undefined {
    return this.#items.get(nameOf(key))
  }

  query(pk: string, { from, to, descending = false }: ItemQuery): Item[] {
    const items = Array.from(this.#items.values())
      .filter(({ key }) => key.pk === pk)
      .filter(({ key }) => from === undefined || inBytes(from, key.sk) <= 0)
      .filter(({ key }) => to === undefined || inBytes(key.sk, to) <= 0)
      .sort((a, b) => inBytes(a.key.sk, b.key.sk))
    return descending ? items.reverse() : items
  }

  /** The write, made for what is there after those before it, and what must come of it. */
  prepare(told: readonly Told[]): { readonly operations: WriteOperation[]; readonly outcome: WriteOutcome } {
    const operations = told.map(({ kind, key, isRight, bytes }): WriteOperation => {
      const version = ++this.#versions
      const right = this.get(key)?.version ?? 'absent'
      const expected = isRight ? right : version
      if (kind === 'put') return { kind, key, expected, version, value: Buffer.alloc(bytes, `${version} `) }
      if (kind === 'delete' && expected !== 'absent') return { kind, key, expected }
      return { kind: 'check', key, expected }
    })
    const conflicts = operations.flatMap(({ key, expected }, index) => {
      const item = this.get(key)
      return (item?.version ?? 'absent') === expected ? [] : [{ index, item }]
    })
    if (conflicts.length > 0) return { operations, outcome: { written: false, conflicts } }
    for (const operation of operations) {
      const { kind, key } = operation
      if (kind === 'delete') this.#items.delete(nameOf(key))
      if (kind === 'put') this.#items.set(nameOf(key), { key, version: operation.version, value: operation.value })
    }
    return { operations, outcome: { written: true } }
  }
}

/** Of all pages; each keeps its limit, and is empty only where it is the last. */
async function pagesOf(store: ItemStore, pk: string, query: ItemQuery) {
  const items: unknown[] = []
  let cursor: string | undefined
  do {
    const page = await store.query(pk, cursor === undefined ? query : { ...query, cursor })
    expect(page.items.length).toBeLessThanOrEqual(query.limit ?? 1_000)
    if (page.cursor !== undefined) expect(page.items).not.toEqual([])
    items.push(...page.items.map(plainItem))
    cursor = page.cursor
  } while (cursor !== undefined)
  return items
}

function plain(outcome: WriteOutcome): unknown {
  if (outcome.written) return true
  return outcome.conflicts.map(({ index, item }) => ({ index, item: plainItem(item) }))
}

/** Comparing large values byte by byte through `expect` takes too long. */
function plainItem(item: Item | undefined): string | undefined {
  if (!item) return undefined
  const { key, version, value } = item
  const isWhole = Buffer.from(value).equals(Buffer.alloc(value.length, `${version} `))
  return `${nameOf(key)} ${version}: ${value.length} bytes${isWhole ? '' : ', mixed up'}`
}

function chunked<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))
}

function inBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function nameOf({ pk, sk }: ItemKey): string {
  return `${pk}/${sk}`
}
