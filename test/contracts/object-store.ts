/** What every ObjectStore promises. An adapter's test is a call of `describeObjectStore`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CorruptDataError } from '../../lib/base/index.ts'
import { type ByteRange, DELETE_KEYS_MAX, type ObjectStore, StoreError } from '../../lib/storage/index.ts'
import { Child } from '../support/child.ts'
import { type ObjectsAddress, openObjects } from '../support/store-address.ts'

export interface ObjectsPlace {
  readonly address: ObjectsAddress
  remove(): Promise<void>
}

export interface ObjectStoreOptions {
  /** Of `ODD_KEYS`, those that the server of the test (not the service it stands for) cannot hold. */
  readonly impossibleKeys?: readonly string[]
}

export function describeObjectStore(
  name: string,
  makePlace: () => Promise<ObjectsPlace>,
  options: ObjectStoreOptions = {},
): void {
  describe(`objects: ${name}`, () => {
    let place: ObjectsPlace
    let store: ObjectStore

    beforeAll(async () => {
      place = await makePlace()
      store = await openObjects(place.address)
    })
    afterAll(async () => {
      await store?.close()
      await place?.remove()
    })

    const context = { store: () => store, address: () => place.address }
    describe('put', () => describePut(context))
    describe('putStream', () => describePutStream(context))
    describe('get', () => describeGet(context))
    describe('list', () => describeList(context))
    describe('delete', () => describeDelete(context))
    describe('keys', () => describeKeys(context, options.impossibleKeys ?? []))
    describe('processes', () => describeProcesses(context))
  })
}

interface Context {
  store(): ObjectStore
  address(): ObjectsAddress
}

function describePut({ store }: Context): void {
  test('what was put is read back, its parts one after the other', async () => {
    expect(await store().put('put/parts', [bytes('one '), bytes(''), bytes('two '), bytes('three')])).toBe('created')
    expect(text(await store().get('put/parts'))).toBe('one two three')
  })

  test('a taken key is told, and the old object stays', async () => {
    expect(await store().put('put/taken', [bytes('old')])).toBe('created')
    expect(await store().put('put/taken', [bytes('new')])).toBe('exists')
    expect(text(await store().get('put/taken'))).toBe('old')
  })

  test.each([0, 1, 5_000, 300_000])('%i bytes in many parts', async size => {
    const body = pattern(size)
    const parts = Array.from({ length: 1_500 }, (_, index) =>
      body.subarray(Math.floor((size * index) / 1_500), Math.floor((size * (index + 1)) / 1_500)),
    )
    expect(await store().put(`put/many-${size}`, parts)).toBe('created')
    expectBytes(await store().get(`put/many-${size}`), body)
  })

  test('an object of no bytes from no parts', async () => {
    expect(await store().put('put/empty', [])).toBe('created')
    expectBytes(await store().get('put/empty'), bytes(''))
    expectBytes(await store().get('put/empty', { from: 0, length: 10 }), bytes(''))
    expect(await store().put('put/empty', [bytes('more')])).toBe('exists')
  })

  test('64 MiB', async () => {
    const piece = pattern(8 * 1_024 * 1_024)
    expect(await store().put('put/large', Array(8).fill(piece))).toBe('created')
    const whole = await store().get('put/large')
    expect(whole?.length).toBe(64 * 1_024 * 1_024)
    for (let at = 0; at < 8; at++) expectBytes(whole!.subarray(at * piece.length, (at + 1) * piece.length), piece)
    expectBytes(await store().get('put/large', { from: piece.length - 3, length: 6 }), seam(piece))
  })

  test('of many puts of one key at once one is told that it created it, and its bytes are there', async () => {
    const bodies = Array.from({ length: 16 }, (_, index) => bytes(`racer ${index} `.repeat(1_000)))
    const outcomes = await Promise.all(bodies.map(body => store().put('put/raced', [body])))
    expect(outcomes.filter(outcome => outcome === 'created')).toHaveLength(1)
    expectBytes(await store().get('put/raced'), bodies[outcomes.indexOf('created')]!)
  })

  test('a part may lie anywhere in a larger buffer', async () => {
    const large = bytes('before the part after')
    await store().put('put/view', [large.subarray(7, 15), new Uint8Array(large.buffer, large.byteOffset, 6)])
    expect(text(await store().get('put/view'))).toBe('the partbefore')
  })
}

function describePutStream({ store }: Context): void {
  const piece = pattern(5 * 1_024 * 1_024)

  test.each([0, 1, 3, 4, 7])('%i pieces of 5 MiB, larger than what is held at once', async count => {
    expect(await store().putStream(`stream/${count}`, () => streamOf(piece, count))).toBe('created')
    const whole = await store().get(`stream/${count}`)
    expect(whole?.length).toBe(count * piece.length)
    for (let at = 0; at < count; at++) expectBytes(whole!.subarray(at * piece.length, (at + 1) * piece.length), piece)
  })

  test('parts of any length, in order', async () => {
    const lengths = [0, 1, 70_000, 9_000_000, 3, 8_388_608, 16_777_217, 5]
    const body = pattern(lengths.reduce((sum, length) => sum + length, 0))
    const pieces = async function* () {
      let at = 0
      for (const length of lengths) {
        yield body.subarray(at, at + length)
        at += length
      }
    }
    expect(await store().putStream('stream/odd', pieces)).toBe('created')
    expectBytes(await store().get('stream/odd'), body)
  })

  test.each([bytes('new'), piece])('a taken key is told, and the old object stays', async part => {
    await store().put(`stream/taken-${part.length}`, [bytes('old')])
    expect(await store().putStream(`stream/taken-${part.length}`, () => streamOf(part, 4))).toBe('exists')
    expect(text(await store().get(`stream/taken-${part.length}`))).toBe('old')
  })

  test.each([0, 4])('a source that fails after %i pieces is told, and nothing is stored', async count => {
    const failing = async function* () {
      yield* streamOf(piece, count)
      throw new CorruptDataError('the source is broken')
    }
    await expect(store().putStream(`stream/broken-${count}`, failing)).rejects.toMatchObject({ code: 'CORRUPT_DATA' })
    expect(await store().get(`stream/broken-${count}`)).toBeUndefined()
    expect(await store().putStream(`stream/broken-${count}`, () => streamOf(piece, 1))).toBe('created')
  })

  test('nothing is seen of an object before all of it is there', async () => {
    const peeking = async function* () {
      yield* streamOf(piece, 4)
      expect(await store().get('stream/peek')).toBeUndefined()
      expect((await listAll(store(), 'stream/peek')).objects).toEqual([])
    }
    expect(await store().putStream('stream/peek', peeking)).toBe('created')
    expect((await store().get('stream/peek'))?.length).toBe(4 * piece.length)
  })

  test('of a stream and a put of one key at once one is told that it created it', async () => {
    const outcomes = await Promise.all([
      store().putStream('stream/raced', () => streamOf(piece, 3)),
      store().putStream('stream/raced', () => streamOf(piece, 4)),
      store().put('stream/raced', [bytes('small')]),
    ])
    expect(outcomes.toSorted()).toEqual(['created', 'exists', 'exists'])
    const lengths = [3 * piece.length, 4 * piece.length, 5]
    expect((await store().get('stream/raced'))?.length).toBe(lengths[outcomes.indexOf('created')])
  })
}

async function* streamOf(piece: Uint8Array, count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield piece
}

function describeGet({ store }: Context): void {
  const body = pattern(100_000)
  beforeAll(async () => {
    await store().put('get/object', [body])
  })

  test('where nothing is', async () => {
    expect(await store().get('get/nothing')).toBeUndefined()
    expect(await store().get('get/nothing', { from: 0, length: 1 })).toBeUndefined()
    expect(await store().get('get')).toBeUndefined()
  })

  const ranges: [string, ByteRange][] = [
    ['the beginning', { from: 0, length: 10 }],
    ['the middle', { from: 500, length: 70_000 }],
    ['the end', { from: 99_990, length: 10 }],
    ['the last byte', { from: 99_999, length: 1 }],
    ['over the end', { from: 99_990, length: 1_000 }],
    ['far over the end', { from: 5, length: Number.MAX_SAFE_INTEGER }],
    ['from the end', { from: 100_000, length: 10 }],
    ['beyond the end', { from: 1_000_000, length: 10 }],
    ['nothing', { from: 10, length: 0 }],
  ]
  test.each(ranges)('a range: %s', async (_name, range) => {
    expectBytes(await store().get('get/object', range), body.subarray(range.from, range.from + range.length))
  })
  test.each(ranges)('into memory of the caller or its own, a range: %s', async (_name, range) => {
    const expected = body.subarray(range.from, range.from + range.length)
    const given: Uint8Array[] = []
    const allocate = (length: number) => {
      expect(length).toBeGreaterThanOrEqual(expected.length)
      expect(length).toBeLessThanOrEqual(body.length)
      given.push(Buffer.alloc(length + 20, 'x').subarray(10, length + 10))
      return given.at(-1)!
    }
    expectBytes(await store().get('get/object', range, allocate), expected)
    for (const { buffer, byteOffset, length } of given) {
      const around = Buffer.from(buffer, byteOffset - 10, length + 20)
      expect(`${around.subarray(0, 10)}${around.subarray(-10)}`).toBe('x'.repeat(20))
    }
  })

  test('a range below zero is refused', async () => {
    await expectRefusal(store().get('get/object', { from: -1, length: 2 }))
    await expectRefusal(store().get('get/object', { from: 1, length: -2 }))
  })
}

function describeList({ store }: Context): void {
  const keys = Array.from({ length: 25 }, (_, index) => `list/${index % 3}/object-${index}`)
  beforeAll(async () => {
    await Promise.all([...keys, 'lis', 'list2/other'].map(key => store().put(key, [bytes(key)])))
  })

  const prefixes = ['list/', 'list/1/', 'list/1/object-1', 'list/1', 'list/2/object-20', 'list/3', 'nothing/there/']
  test.each(prefixes)('what begins with %s, with sizes', async prefix => {
    const { objects } = await listAll(store(), prefix)
    const expected = keys.filter(key => key.startsWith(prefix)).map(key => ({ key, size: key.length }))
    expect(objects.toSorted(byKey)).toEqual(expected.toSorted(byKey))
  })

  test('the empty prefix lists everything', async () => {
    const { objects } = await listAll(store(), '')
    expect(objects.map(({ key }) => key)).toEqual(expect.arrayContaining([...keys, 'lis', 'list2/other']))
  })

  test.each([1, 7, 24, 25, 26])('pages of %i give every object once', async limit => {
    const { objects, pages } = await listAll(store(), 'list/', limit)
    expect(objects.map(({ key }) => key).toSorted()).toEqual(keys.toSorted())
    expect(pages.every(page => page.objects.length <= limit)).toBe(true)
  })

  test('a cursor serves another store on the same data, and a second time', async () => {
    const first = await store().list('list/', { limit: 10 })
    for (let round = 0; round < 2; round++) {
      const rest = await store().list('list/', { cursor: first.cursor! })
      expect([...first.objects, ...rest.objects].map(({ key }) => key).toSorted()).toEqual(keys.toSorted())
    }
  })
}

function describeDelete({ store }: Context): void {
  test('takes what is named and nothing else', async () => {
    for (const key of ['delete/a', 'delete/b', 'delete/b/c', 'delete/d']) await store().put(`${key}.x`, [bytes(key)])
    await store().delete(['delete/a.x', 'delete/b.x', 'delete/never there', 'delete/no/folder'])
    expect(await store().get('delete/a.x')).toBeUndefined()
    expect(await store().get('delete/b.x')).toBeUndefined()
    const left = (await listAll(store(), 'delete/')).objects.map(({ key }) => key)
    expect(left.toSorted()).toEqual(['delete/b/c.x', 'delete/d.x'])
    await store().delete([])
    await store().delete(left)
    expect((await listAll(store(), 'delete/')).objects).toEqual([])
  })

  test('a deleted key can be put again', async () => {
    await store().put('delete/again/a', [bytes('first')])
    await store().delete(['delete/again/a'])
    expect(await store().put('delete/again/a', [bytes('second')])).toBe('created')
    expect(text(await store().get('delete/again/a'))).toBe('second')
  })

  test(`${DELETE_KEYS_MAX} objects at once, and no more`, async () => {
    const keys = Array.from({ length: DELETE_KEYS_MAX }, (_, index) => `delete/many/${index}`)
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map(key => store().put(key, [bytes('x')])))
    await expectRefusal(store().delete([...keys, 'delete/one too many']))
    await store().delete(keys)
    expect((await listAll(store(), 'delete/many/')).objects).toEqual([])
  })
}

export const ODD_KEYS = [
  'odd/ space and  spaces ',
  'odd/plus+plus',
  'odd/100%',
  'odd/%2e%2e/%2F',
  'odd/question?mark=1&and',
  'odd/hash#tag',
  `odd/quotes'"\``,
  'odd/back\\slash',
  'odd/colon:semicolon;comma,',
  'odd/<angle>&amp;',
  'odd/UPPER',
  'odd/upper',
  'odd/ümlaut',
  'odd/日本語/キー',
  'odd/🪨🪨',
  'odd/.hidden',
  'odd/dots...',
  'odd/~tilde',
  'odd/a',
  'odd/a/b',
  'odd/..',
  'odd/../../../outside',
  'odd/./here',
  'odd//double//slash',
  'odd/ends in a slash/',
  `odd/${'long/'.repeat(190)}end`,
  `odd/${'x'.repeat(1_020)}`,
  `odd/${'日'.repeat(340)}`,
]

function describeKeys({ store }: Context, impossible: readonly string[]): void {
  const keys = ODD_KEYS.filter(key => !impossible.includes(key))

  test('odd keys are put, read and listed as they are, and stay apart', async () => {
    for (const key of keys) expect([key, await store().put(key, [bytes(key)])]).toEqual([key, 'created'])
    for (const key of keys) expect([key, await store().put(key, [bytes('other')])]).toEqual([key, 'exists'])
    for (const key of keys) expect(text(await store().get(key))).toBe(key)
    const { objects } = await listAll(store(), 'odd/', 3)
    expect(objects.map(({ key }) => key).toSorted()).toEqual(keys.toSorted())
    for (const key of keys) expect((await listAll(store(), key)).objects.map(object => object.key)).toContain(key)
    await store().delete(keys)
    expect((await listAll(store(), 'odd/')).objects).toEqual([])
  })

  test('keys that no store can hold are refused', async () => {
    for (const key of ['', 'x'.repeat(1_025), 'half a pair \ud800']) {
      await expectRefusal(store().put(key, []))
      await expectRefusal(store().get(key))
      await expectRefusal(store().delete([key]))
    }
  })
}

function describeProcesses({ store, address }: Context): void {
  test('two processes race for the same keys: each is created once', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => `race/${index}`)
    const names = ['one', 'two']
    const racers = names.map(name => new Child('contracts/object-racer.ts', { address: address(), name, keys }))
    const created = await Promise.all(racers.map(racer => racer.untilEnd()))
    expect(created.flat().toSorted()).toEqual(keys.toSorted())
    for (const [index, name] of names.entries())
      for (const key of created[index]!) expect(text(await store().get(key))).toBe(name)
  })

  test('what was acknowledged outlives kill -9, and every object is whole', async () => {
    const writer = new Child('contracts/object-writer.ts', { address: address() })
    await writer.untilLines(60)
    await writer.kill()
    const reopened = await openObjects(address())
    try {
      const found = (await listAll(reopened, 'acknowledged/')).objects.map(({ key }) => key)
      expect(found).toEqual(expect.arrayContaining([...writer.lines]))
      for (const key of found)
        expectBytes(await reopened.get(key), Buffer.concat([bytes(key), Buffer.alloc(50_000, key)]))
    } finally {
      await reopened.close()
    }
  })

  test('other stores on the same data see an object when it is acknowledged', async () => {
    const other = await openObjects(address())
    try {
      for (let round = 0; round < 20; round++) {
        const [writer, reader] = round % 2 === 0 ? [store(), other] : [other, store()]
        expect(await writer.put(`others/${round}`, [bytes(`round ${round}`)])).toBe('created')
        expect(text(await reader.get(`others/${round}`))).toBe(`round ${round}`)
        expect((await reader.list('others/')).objects).toHaveLength(round + 1)
      }
    } finally {
      await other.close()
    }
  })
}

// ---------------------------------------------------------------- words of the tests

type ListedObject = Awaited<ReturnType<ObjectStore['list']>>['objects'][number]

/** Page after page, to the end. */
async function listAll(store: ObjectStore, prefix: string, limit?: number) {
  const options = limit === undefined ? {} : { limit }
  const pages = [await store.list(prefix, options)]
  for (let cursor = pages[0]?.cursor; cursor !== undefined; cursor = pages.at(-1)?.cursor)
    pages.push(await store.list(prefix, { ...options, cursor }))
  return { objects: pages.flatMap(page => page.objects), pages }
}

function byKey(a: ListedObject, b: ListedObject): number {
  return a.key < b.key ? -1 : 1
}

function bytes(content: string): Buffer {
  return Buffer.from(content)
}

function text(read: Uint8Array | undefined): string | undefined {
  return read && Buffer.from(read).toString()
}

function pattern(size: number): Buffer {
  const body = Buffer.alloc(size)
  for (let at = 0; at < size; at++) body[at] = (at * 31 + (at >> 8)) & 0xff
  return body
}

/** Six bytes where a piece ends and the same begins again. */
function seam(piece: Buffer): Buffer {
  return Buffer.concat([piece.subarray(-3), piece.subarray(0, 3)])
}

function expectBytes(read: Uint8Array | undefined, expected: Uint8Array): void {
  expect(read?.length).toBe(expected.length)
  expect(Buffer.compare(read!, expected)).toBe(0)
}

async function expectRefusal(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ code: 'STORE_REFUSED', effect: 'none' })
}
