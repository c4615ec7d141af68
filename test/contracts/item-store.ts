/** What every ItemStore promises. An adapter's test is a call of `describeItemStore`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drawToken, systemRandom } from '../../lib/base/index.ts'
import {
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  StoreError,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
} from '../../lib/storage/index.ts'
import { Child } from '../support/child.ts'
import { type ItemsAddress, openItems } from '../support/store-address.ts'

export interface ItemsPlace {
  readonly address: ItemsAddress
  remove(): Promise<void>
}

export function describeItemStore(name: string, makePlace: () => Promise<ItemsPlace>): void {
  describe(`items: ${name}`, () => {
    let place: ItemsPlace
    let store: ItemStore

    beforeAll(async () => {
      place = await makePlace()
      store = await openItems(place.address)
    })
    afterAll(async () => {
      await store?.close()
      await place?.remove()
    })

    const context = { store: () => store, address: () => place.address }
    describe('one operation', () => describeOneOperation(context))
    describe('several operations', () => describeSeveralOperations(context))
    describe('values', () => describeValues(context))
    describe('queries', () => describeQueries(context))
    describe('processes', () => describeProcesses(context))
  })
}

interface Context {
  store(): ItemStore
  address(): ItemsAddress
}

function describeOneOperation({ store }: Context): void {
  test('nothing is there at first', async () => {
    expect(await store().get({ pk: 'one', sk: 'nothing' })).toBeUndefined()
  })

  test('a put is read back, and replaced by who knows its version', async () => {
    const key = { pk: 'one', sk: 'put' }
    const first = await write(store(), put(key, 'absent', 'first'))
    expect(await store().get(key)).toEqual(first)
    const second = await write(store(), put(key, first.version, 'second'))
    expect(await store().get(key)).toEqual(second)
  })

  test('a put that expects nothing is refused with what is there', async () => {
    const there = await write(store(), put({ pk: 'one', sk: 'taken' }, 'absent', 'there'))
    const outcome = await store().write([put(there.key, 'absent', 'other')])
    expect(outcome).toEqual({ written: false, conflicts: [{ index: 0, item: there }] })
    expect(await store().get(there.key)).toEqual(there)
  })

  test('a put that expects another version is refused with what is there', async () => {
    const there = await write(store(), put({ pk: 'one', sk: 'newer' }, 'absent', 'there'))
    const outcome = await store().write([put(there.key, drawToken(systemRandom), 'other')])
    expect(outcome).toEqual({ written: false, conflicts: [{ index: 0, item: there }] })
  })

  test('a put that expects a version where nothing is, is refused', async () => {
    const outcome = await store().write([put({ pk: 'one', sk: 'gone' }, 7, 'value')])
    expect(outcome).toEqual({ written: false, conflicts: [{ index: 0, item: undefined }] })
    expect(await store().get({ pk: 'one', sk: 'gone' })).toBeUndefined()
  })

  test('a delete takes only the version that it expects', async () => {
    const there = await write(store(), put({ pk: 'one', sk: 'deleted' }, 'absent', 'there'))
    const outcome = await store().write([{ kind: 'delete', key: there.key, expected: there.version + 1 }])
    expect(outcome).toEqual({ written: false, conflicts: [{ index: 0, item: there }] })
    expect(await store().write([{ kind: 'delete', key: there.key, expected: there.version }])).toEqual({
      written: true,
    })
    expect(await store().get(there.key)).toBeUndefined()
    expect(await store().write([{ kind: 'delete', key: there.key, expected: there.version }])).toEqual({
      written: false,
      conflicts: [{ index: 0, item: undefined }],
    })
  })

  test('a check alone tells whether the item is as expected', async () => {
    const there = await write(store(), put({ pk: 'one', sk: 'checked' }, 'absent', 'there'))
    const absent: ItemKey = { pk: 'one', sk: 'checked, absent' }
    expect(await store().write([{ kind: 'check', key: there.key, expected: there.version }])).toEqual({ written: true })
    expect(await store().write([{ kind: 'check', key: absent, expected: 'absent' }])).toEqual({ written: true })
    expect(await store().write([{ kind: 'check', key: there.key, expected: 'absent' }])).toEqual({
      written: false,
      conflicts: [{ index: 0, item: there }],
    })
    expect(await store().get(absent)).toBeUndefined()
  })

  test('of writers that expect the same version one wins, and the others get what it wrote', async () => {
    const { key, version } = await write(store(), put({ pk: 'one', sk: 'raced' }, 'absent', 'start'))
    const puts = Array.from({ length: 20 }, (_, index) => put(key, version, `writer ${index}`))
    const outcomes = await Promise.all(puts.map(operation => store().write([operation])))
    const winners = puts.filter((_, index) => outcomes[index]?.written)
    expect(winners).toHaveLength(1)
    const winner = itemOf(winners[0]!)
    expect(await store().get(key)).toEqual(winner)
    for (const outcome of outcomes)
      if (!outcome.written) expect(outcome.conflicts).toEqual([{ index: 0, item: winner }])
  })

  test('every read that starts after a write sees it', async () => {
    const key = { pk: 'one', sk: 'strong' }
    let expected: Item['version'] | 'absent' = 'absent'
    for (let round = 0; round < 20; round++) {
      const written: Item = await write(store(), put(key, expected, `round ${round}`))
      const [read, page] = await Promise.all([store().get(key), store().query('one', { from: key.sk, to: key.sk })])
      expect(read).toEqual(written)
      expect(page.items).toEqual([written])
      expected = written.version
    }
  })
}

function describeSeveralOperations({ store }: Context): void {
  test('puts, deletes and checks are applied together', async () => {
    const old = await write(store(), put({ pk: 'all', sk: 'old' }, 'absent', 'old'))
    const kept = await write(store(), put({ pk: 'all, elsewhere', sk: 'kept' }, 'absent', 'kept'))
    const added = put({ pk: 'all', sk: 'new' }, 'absent', 'new')
    const outcome = await store().write([
      added,
      { kind: 'delete', key: old.key, expected: old.version },
      { kind: 'check', key: kept.key, expected: kept.version },
      { kind: 'check', key: { pk: 'all', sk: 'never there' }, expected: 'absent' },
    ])
    expect(outcome).toEqual({ written: true })
    expect((await store().query('all')).items).toEqual([itemOf(added)])
    expect(await store().get(kept.key)).toEqual(kept)
  })

  test('one refused operation refuses all; each refused one is told, with what is in its way', async () => {
    const first = await write(store(), put({ pk: 'none', sk: 'a' }, 'absent', 'a'))
    const second = await write(store(), put({ pk: 'none', sk: 'b' }, 'absent', 'b'))
    const outcome = await store().write([
      put({ pk: 'none', sk: 'new' }, 'absent', 'new'),
      put(first.key, 'absent', 'changed'),
      { kind: 'delete', key: second.key, expected: second.version },
      { kind: 'check', key: { pk: 'none', sk: 'missing' }, expected: 3 },
    ])
    expect(outcome).toEqual({
      written: false,
      conflicts: [
        { index: 1, item: first },
        { index: 3, item: undefined },
      ],
    })
    expect((await store().query('none')).items).toEqual([first, second])
  })

  test('whichever of the conditions do not hold, nothing is changed and those are told', async () => {
    const pk = 'each'
    for (let count = 2; count <= 10; count++) {
      const there = await Promise.all(
        Array.from({ length: count }, (_, at) =>
          at % 3 === 2 ? undefined : write(store(), put({ pk, sk: `${count} ${at}` }, 'absent', 'there')),
        ),
      )
      const keys = there.map((_, at) => ({ pk, sk: `${count} ${at}` }))
      const before = (await store().query(pk)).items
      const writeWith = (isWrong: (at: number) => boolean) =>
        store().write(
          keys.map((key, at): WriteOperation => {
            const item = there[at]
            const right = item?.version ?? 'absent'
            const expected = isWrong(at) ? (item ? 'absent' : 5) : right
            if (at % 4 === 3) return { kind: 'check', key, expected }
            return at % 4 === 1 && item && expected !== 'absent'
              ? { kind: 'delete', key, expected }
              : put(key, expected, 'changed')
          }),
        )
      const attempts = keys.map((_, wrong) => [wrong])
      attempts.push([0, count - 1])
      const outcomes = await Promise.all(attempts.map(wrong => writeWith(at => wrong.includes(at))))
      expect(outcomes).toEqual(
        attempts.map(wrong => ({ written: false, conflicts: wrong.map(index => ({ index, item: there[index] })) })),
      )
      expect((await store().query(pk)).items).toEqual(before)
      expect(await writeWith(() => false)).toEqual({ written: true })
      expect((await store().query(pk)).items).not.toEqual(before)
    }
  })

  test(`${WRITE_OPERATIONS_MAX} operations are one write`, async () => {
    const puts = Array.from({ length: WRITE_OPERATIONS_MAX }, (_, index) =>
      put({ pk: 'hundred', sk: String(index).padStart(3, '0') }, 'absent', `value ${index}`),
    )
    expect(await store().write(puts)).toEqual({ written: true })
    expect((await store().query('hundred')).items).toEqual(puts.map(itemOf))
    const next = puts.map(({ key, version }) => put(key, version, 'next'))
    const refused = await store().write(next.with(57, put(puts[57]!.key, 'absent', 'wrong')))
    expect(refused).toEqual({ written: false, conflicts: [{ index: 57, item: itemOf(puts[57]!) }] })
    expect((await store().query('hundred')).items).toEqual(puts.map(itemOf))
  })

  test('writes that nobody could apply are refused, and nothing happens', async () => {
    const puts = Array.from({ length: WRITE_OPERATIONS_MAX + 1 }, (_, sk) =>
      put({ pk: 'refused', sk: String(sk) }, 'absent', ''),
    )
    await expectRefusal(store().write(puts))
    await expectRefusal(store().write([]))
    await expectRefusal(store().write([puts[0]!, puts[0]!]))
    await expectRefusal(store().write([puts[0]!, put({ pk: '', sk: 'x' }, 'absent', '')]))
    await expectRefusal(store().write([puts[0]!, put({ pk: 'x', sk: '' }, 'absent', '')]))
    await expectRefusal(store().write([put({ pk: 'refused', sk: 'x'.repeat(1_025) }, 'absent', '')]))
    await expectRefusal(store().write([put({ pk: 'x'.repeat(2_049), sk: 'x' }, 'absent', '')]))
    await expectRefusal(store().write([put({ pk: 'refused', sk: 'large' }, 'absent', 'x'.repeat(400 * 1_024))]))
    await expectRefusal(store().get({ pk: 'refused', sk: '' }))
    await expectRefusal(store().query(''))
    expect((await store().query('refused')).items).toEqual([])
  })

  test('transfers between items keep the sum, whoever else transfers', async () => {
    const keys = Array.from({ length: 4 }, (_, index) => ({ pk: 'sum', sk: String(index) }))
    for (const key of keys) await write(store(), put(key, 'absent', '100'))
    const transfer = async (worker: number) => {
      for (let round = 0; round < 10; round++) {
        const [from, to] = await Promise.all([
          store().get(keys[(worker + round) % 4]!),
          store().get(keys[(worker + round + 1) % 4]!),
        ])
        const moved = (item: Item, by: number) => put(item.key, item.version, String(Number(textOf(item)) + by))
        await store().write([moved(from!, -1), moved(to!, 1)])
      }
    }
    await Promise.all([0, 1, 2, 3].map(transfer))
    const { items } = await store().query('sum')
    expect(items.reduce((sum, item) => sum + Number(textOf(item)), 0)).toBe(400)
  })
}

function describeValues({ store }: Context): void {
  test('no bytes, every byte, and 390 KB', async () => {
    const values = [
      Buffer.alloc(0),
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
      Buffer.from(Array.from({ length: 390 * 1_024 }, (_, index) => (index * 7) % 251)),
    ]
    for (const [index, value] of values.entries()) {
      const operation = { ...put({ pk: 'values', sk: String(index) }, 'absent', ''), value }
      expect(await store().write([operation])).toEqual({ written: true })
      expect(Buffer.compare((await store().get(operation.key))!.value, value)).toBe(0)
    }
    const { items } = await readAll(store(), 'values')
    expect(items.map(item => item.value.length)).toEqual(values.map(value => value.length))
  })

  test('versions are exact up to 2^53', async () => {
    const key = { pk: 'values', sk: 'versions' }
    const versions = [1, 2 ** 31, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]
    let expected: Item['version'] | 'absent' = 'absent'
    for (const version of versions) {
      expect(await store().write([{ ...put(key, expected, 'x'), version }])).toEqual({ written: true })
      expect((await store().get(key))?.version).toBe(version)
      expected = version
    }
    expect((await store().write([put(key, Number.MAX_SAFE_INTEGER - 1, 'y')])).written).toBe(false)
  })

  test('a value may lie anywhere in a larger buffer, and answers are the caller’s own', async () => {
    const large = Buffer.from('before the value after')
    const operation = { ...put({ pk: 'values', sk: 'view' }, 'absent', ''), value: large.subarray(7, 16) }
    await store().write([operation])
    const read = await store().get(operation.key)
    await store().get({ pk: 'values', sk: 'versions' })
    expect(textOf(read!)).toBe('the value')
  })

  test('keys of any text stay apart', async () => {
    const texts = ['a', 'A', 'ab', ' ', 'ä', '日本', '🪨', '#', 'a/b', '%00', '\u0000', '\'"', 'x'.repeat(900)]
    const partitions = ['a', 'ab', '🪨', 'x'.repeat(900)]
    const puts = partitions.flatMap(pk => texts.map(sk => put({ pk: `text ${pk}`, sk }, 'absent', `${pk} ${sk}`)))
    for (const operation of puts) expect(await store().write([operation])).toEqual({ written: true })
    for (const operation of puts) expect(await store().get(operation.key)).toEqual(itemOf(operation))
    for (const pk of partitions) expect((await readAll(store(), `text ${pk}`)).items).toHaveLength(texts.length)
  })

  test('half a surrogate pair is no key', async () => {
    await expectRefusal(store().get({ pk: 'a', sk: '\ud800' }))
  })
}

function describeQueries({ store }: Context): void {
  const sortKeys = ['A', 'B', 'a', 'a#', 'a0', 'b', 'ba', 'c', 'é', '日', '\uffee', '🪨']
  let items: Item[]

  beforeAll(async () => {
    items = []
    for (const sk of sortKeys.toReversed()) await write(store(), put({ pk: 'query', sk }, 'absent', `value of ${sk}`))
    for (const pk of ['quer', 'query0', 'querz']) await write(store(), put({ pk, sk: 'a' }, 'absent', 'not asked for'))
    for (const sk of sortKeys) items.push((await store().get({ pk: 'query', sk }))!)
  })

  test('all items, by the bytes of their sort keys', async () => {
    expect((await store().query('query')).items).toEqual(items)
    expect((await store().query('query', { descending: true })).items).toEqual(items.toReversed())
    expect((await store().query('nobody')).items).toEqual([])
  })

  const ranges: [string, ItemQuery, string[]][] = [
    ['from a key', { from: 'b' }, ['b', 'ba', 'c', 'é', '日', '\uffee', '🪨']],
    ['from between keys', { from: 'bb' }, ['c', 'é', '日', '\uffee', '🪨']],
    ['up to a key', { to: 'a' }, ['A', 'B', 'a']],
    ['up to between keys', { to: 'Z' }, ['A', 'B']],
    ['both', { from: 'a', to: 'b' }, ['a', 'a#', 'a0', 'b']],
    ['one key', { from: 'c', to: 'c' }, ['c']],
    ['between two keys', { from: 'd', to: 'e' }, []],
    ['above all', { from: '\u{10ffff}' }, []],
    ['below all', { to: '0' }, []],
    ['the wrong way round', { from: 'b', to: 'a' }, []],
    ['from nothing', { from: '', to: 'B' }, ['A', 'B']],
  ]
  test.each(ranges)('a range: %s', async (_name, query, expected) => {
    expect(sortKeysOf(await store().query('query', query))).toEqual(expected)
    expect(sortKeysOf(await store().query('query', { ...query, descending: true }))).toEqual(expected.toReversed())
  })

  test('a limit gives the first items in the direction asked for', async () => {
    expect(sortKeysOf(await store().query('query', { from: 'a', limit: 2 }))).toEqual(['a', 'a#'])
    expect(sortKeysOf(await store().query('query', { to: 'b', limit: 2, descending: true }))).toEqual(['b', 'a0'])
  })

  test.each([1, 2, 5, 11, 12, 13])('pages of %i give every item once, both ways', async limit => {
    for (const descending of [false, true]) {
      const expected = sortKeys.slice(1, -1)
      const { items: read, pages } = await readAll(store(), 'query', { from: 'B', to: '\uffee', descending, limit })
      expect(read.map(item => item.key.sk)).toEqual(descending ? expected.toReversed() : expected)
      expect(pages.every(page => page.items.length <= limit)).toBe(true)
    }
  })

  test('pages go on where they stopped when items come and go', async () => {
    const pk = 'query, changing'
    const written = await Promise.all(['b', 'd', 'f', 'h'].map(sk => write(store(), put({ pk, sk }, 'absent', sk))))
    const first = await store().query(pk, { limit: 2 })
    expect(sortKeysOf(first)).toEqual(['b', 'd'])
    await write(store(), put({ pk, sk: 'a' }, 'absent', 'behind'))
    await store().write([{ kind: 'delete', key: written[1]!.key, expected: written[1]!.version }])
    await store().write([{ kind: 'delete', key: written[2]!.key, expected: written[2]!.version }])
    await write(store(), put({ pk, sk: 'z' }, 'absent', 'ahead'))
    expect((await readAll(store(), pk, { cursor: first.cursor! })).items.map(item => item.key.sk)).toEqual(['h', 'z'])
  })

  test('more bytes than fit a page come in several', async () => {
    const pk = 'query, large'
    for (let index = 0; index < 8; index++)
      await write(store(), put({ pk, sk: String(index) }, 'absent', 'x'.repeat(300_000)))
    const { items: read, pages } = await readAll(store(), pk)
    expect(read.map(item => item.key.sk)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    expect(pages.length).toBeGreaterThan(1)
  })
}

function describeProcesses({ store, address }: Context): void {
  test('two processes race for an item: one wins each version', async () => {
    const rounds = 150
    const racers = [0, 1].map(() => new Child('contracts/item-racer.ts', { address: address(), rounds }))
    const won = (await Promise.all(racers.map(racer => racer.untilEnd()))).flat().map(Number)
    const everyCount = Array.from({ length: rounds * 2 }, (_, index) => index + 1)
    expect(won.toSorted((a, b) => a - b)).toEqual(everyCount)
    expect(textOf((await store().get({ pk: 'race', sk: 'counter' }))!)).toBe(String(rounds * 2))
  })

  test('what was acknowledged stays while other processes open the same data', async () => {
    const times = 100
    const openers = [0, 1, 2].map(() => new Child('contracts/item-opener.ts', { address: address(), times }))
    const ends = Promise.all(openers.map(opener => opener.untilEnd()))
    let isOver = false
    void ends.finally(() => {
      isOver = true
    })
    const key = { pk: 'opened', sk: 'meanwhile' }
    let version: Item['version'] | 'absent' = 'absent'
    for (let count = 0; !isOver || count === 0; count++) {
      const next: PutOperation = put(key, version, String(count))
      // Nobody else writes it.
      expect(await store().write([next])).toEqual({ written: true })
      version = next.version
    }
    await ends
  })

  test('what was acknowledged outlives kill -9, and nothing is there by half', async () => {
    const writer = new Child('contracts/item-writer.ts', { address: address() })
    await writer.untilLines(150)
    await writer.kill()
    const reopened = await openItems(address())
    try {
      const { items } = await readAll(reopened, 'acknowledged')
      const found = new Map(items.map(item => [item.key.sk, textOf(item)]))
      for (const number of writer.lines) {
        expect(found.get(number)).toBe(Buffer.alloc(700, number).toString())
        if (Number(number) % 2 === 1) expect(found.has(`${number}-twin`)).toBe(true)
      }
      for (const sk of found.keys())
        if (Number.parseInt(sk, 10) % 2 === 1)
          expect(found.has(sk.endsWith('-twin') ? sk.slice(0, -5) : `${sk}-twin`)).toBe(true)
    } finally {
      await reopened.close()
    }
  })

  test('a write is seen by other stores on the same data when it is acknowledged', async () => {
    const other = await openItems(address())
    try {
      let version: Item['version'] | 'absent' = 'absent'
      for (let round = 0; round < 20; round++) {
        const [writer, reader] = round % 2 === 0 ? [store(), other] : [other, store()]
        const written: Item = await write(writer, put({ pk: 'others', sk: 'see' }, version, `round ${round}`))
        expect(await reader.get(written.key)).toEqual(written)
        expect((await reader.query('others')).items).toEqual([written])
        version = written.version
      }
    } finally {
      await other.close()
    }
  })
}

// ---------------------------------------------------------------- words of the tests

type PutOperation = Extract<WriteOperation, { kind: 'put' }>

function put(key: ItemKey, expected: PutOperation['expected'], text: string): PutOperation {
  return { kind: 'put', key, expected, version: drawToken(systemRandom), value: Buffer.from(text) }
}

function itemOf({ key, version, value }: PutOperation): Item {
  return {
    key,
    version,
    value: expect.toSatisfy((read: Uint8Array) => Buffer.compare(read, value) === 0) as Uint8Array,
  }
}

async function write(store: ItemStore, operation: PutOperation): Promise<Item> {
  expect(await store.write([operation])).toEqual({ written: true })
  return itemOf(operation)
}

function textOf(item: Item): string {
  return Buffer.from(item.value).toString()
}

function sortKeysOf(page: ItemPage): string[] {
  return page.items.map(item => item.key.sk)
}

/** Page after page, to the end. */
async function readAll(
  store: ItemStore,
  pk: string,
  query: ItemQuery = {},
): Promise<{ items: Item[]; pages: ItemPage[] }> {
  const pages = [await store.query(pk, query)]
  for (let cursor = pages[0]?.cursor; cursor !== undefined; cursor = pages.at(-1)?.cursor)
    pages.push(await store.query(pk, { ...query, cursor }))
  return { items: pages.flatMap(page => page.items), pages }
}

async function expectRefusal(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ code: 'STORE_REFUSED', effect: 'none' })
}
