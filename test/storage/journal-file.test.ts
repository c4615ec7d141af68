/** What a journal's file may look like after a process, or its machine, was killed; and the bytes of its format. */
import { createHash } from 'node:crypto'
import { mkdtemp, open, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ItemStore } from '../../lib/storage/index.ts'
import { itemKeyBytes } from '../../lib/storage/local/item-key-bytes.ts'
import { JournalFile } from '../../lib/storage/local/journal-file.ts'
import {
  type Change,
  type FramePlace,
  frameBytes,
  readFrame,
  writeFrame,
} from '../../lib/storage/local/journal-frame.ts'
import { openItems } from '../support/store-address.ts'
import { copyAsKilled } from './killed-folder.ts'
import { type Contents, contentsAfter, contentsOf, operationsOf, PK, type ToldWrite } from './told-writes.ts'

const PAGE = 4_096
const HALF = 4 * 1_024 * 1_024

let root: string
let copies: number
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'journal-file-'))
  copies = 0
})
afterEach(() => rm(root, { recursive: true }))

describe('of a frame at the end that is not whole nothing is taken, and all before it', () => {
  const before: ToldWrite[] = [
    [{ sk: 'a', version: 1 }],
    [{ sk: 'b', version: 1, bytes: 6_000 }],
    [
      { sk: 'a', expected: 1, version: 2 },
      { sk: 'c', version: 1 },
    ],
  ]
  /** Over two pages; the one after it was on its way to the disk with it. */
  const last: ToldWrite[] = [
    [
      { sk: 'a', expected: 2 },
      { sk: 'b', expected: 1, version: 2, bytes: 5_000 },
      { sk: 'd', version: 1 },
    ],
    [{ sk: 'e', version: 1 }],
  ]
  const at = 4 * PAGE

  test.each([
    ['magic', 0],
    ['version of the format', 3],
    ['checksum', 4],
    ['bytes', 8],
    ['changes', 12],
    ['opening', 20],
    ['generation', 30],
    ['number', 32],
    ['frames before', 36],
    ['length of a key', 40],
    ['kind', 42],
    ['version', 54],
    ['key', 57],
    ['value', 3_000],
    ['second page', PAGE],
    ['last byte', -1],
  ])('%s', async (_name, place) => {
    const { folder, journal } = await killed([...before.map(write => [write]), last])
    const { bytes, number } = readFrame(await readFile(journal), at)!
    expect(number).toBe(before.length)
    const from = at + ((place + bytes) % bytes)
    const garbled = await copied(folder)
    await change(join(garbled, 'journal'), from, byte => byte ^ 0x41)
    const cut = await copied(folder)
    await fill(join(cut, 'journal'), from, 2 * HALF)
    const short = await copied(folder)
    await truncate(join(short, 'journal'), from)
    for (const copy of [garbled, cut, short]) expect(await contentsIn(copy)).toEqual(contentsAfter(before))
    expect(await contentsIn(folder)).toEqual(contentsAfter([...before, ...last]))
  })

  test('though a whole one follows on the next page', async () => {
    const { folder, journal } = await killed([
      [[{ sk: 'a', version: 1 }], [{ sk: 'b', version: 1 }]],
      [[{ sk: 'c', version: 1 }]],
    ])
    await change(journal, readFrame(await readFile(journal), 0)!.bytes + 50, byte => byte ^ 1)
    expect(await contentsIn(folder)).toEqual(contentsAfter([[{ sk: 'a', version: 1 }]]))
  })

  test('and it goes on after it, as often as it is killed', async () => {
    const { folder, journal } = await killed([...before.map(write => [write]), last])
    await change(journal, at, byte => byte ^ 1)
    const more: ToldWrite[] = [[{ sk: 'f', version: 1 }], [{ sk: 'a', expected: 2, version: 3 }]]
    const again = await killed([...more.map(write => [write])], folder)
    expect(await contentsIn(again.folder)).toEqual(contentsAfter([...before, ...more]))
  })
})

describe('what an earlier opening left further on is not taken', () => {
  const earlier: ToldWrite[] = ['a', 'b', 'c', 'd'].map(sk => [{ sk, version: 1 }])
  const removed: ToldWrite = ['a', 'b', 'c', 'd'].map(sk => ({ sk, expected: 1 }))

  test('of a generation that LMDB has', async () => {
    const { folder } = await killed(earlier.map(write => [write]))
    const again = await killed([[removed]], folder)
    expect(readFrame(await readFile(again.journal), PAGE)).toMatchObject({ number: 1, generation: 1 })
    expect(await contentsIn(again.folder)).toEqual({})
  })

  test('of a generation that was not whole', async () => {
    const { folder, journal } = await killed(earlier.map(write => [write]))
    await change(journal, 4, byte => byte ^ 1)
    const again = await killed([[[{ sk: 'new', version: 1 }]]], folder)
    expect(readFrame(await readFile(again.journal), 0)).toMatchObject({ number: 0, generation: 1 })
    expect(readFrame(await readFile(again.journal), PAGE)).toMatchObject({ number: 1, generation: 1 })
    expect(await contentsIn(again.folder)).toEqual(contentsAfter([[{ sk: 'new', version: 1 }]]))
  })
})

test('what the same opening wrote two generations ago is not taken', async () => {
  const path = join(root, 'journal')
  const journal = await JournalFile.open(path, { opening: 4_711, generation: 0 })
  const write = (sk: string) => {
    journal.append(changesOf([{ sk, version: 1 }]))
    journal.sync()
  }
  for (const sk of ['a', 'b', 'c']) write(sk)
  journal.begin()
  write('d')
  journal.begin()
  write('e')
  journal.close()
  expect(readFrame(await readFile(path), PAGE)).toMatchObject({ number: 1, generation: 1 })
  const found = JournalFile.read(path, 1).map(({ generation, frames }) => [generation, frames.length])
  expect(found).toEqual([
    [2, 1],
    [3, 1],
  ])
})

describe('of two generations that LMDB lacks', () => {
  const all: ToldWrite[] = ['a', 'b', 'c', 'd', 'e'].map((sk, index) => [{ sk, version: index + 1, bytes: 5_000 }])

  test('both are taken, the later one after the older', async () => {
    const folder = await withTwoGenerations()
    expect(await contentsIn(folder)).toEqual(contentsAfter(all))
    // And once is enough.
    expect(await contentsIn(folder)).toEqual(contentsAfter(all))
  })

  test.each([
    ['the first frame’s generation', 24],
    ['the first frame', 50],
    ['a frame in the middle', 2 * PAGE + 50],
    ['the last frame', 4 * PAGE + 4_500],
  ])('the older one, with %s garbled, is refused and left as it is', async (_name, at) => {
    const folder = await withTwoGenerations()
    const journal = join(folder, 'journal')
    await fill(journal, at, at + 8)
    const hash = await hashOf(journal)
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(openItems({ kind: 'lmdb', folder })).rejects.toMatchObject({
        code: 'STORE_REFUSED',
        message: expect.stringContaining("the item store's journal cannot be read: it has"),
      })
      expect(await hashOf(journal)).toBe(hash)
    }
    const lmdb = await openItems({ kind: 'lmdb', folder, journal: false })
    expect(await contentsOf(lmdb)).toEqual({})
    await lmdb.close()
  })

  async function withTwoGenerations(): Promise<string> {
    const folder = join(root, 'two')
    await (await openItems({ kind: 'lmdb', folder })).close()
    const journal = await JournalFile.open(join(folder, 'journal'), { opening: 4_711, generation: 0 })
    for (const write of all.slice(0, 3)) append(journal, write)
    journal.begin()
    for (const write of all.slice(3)) append(journal, write)
    journal.close()
    return folder
  }

  function append(journal: JournalFile, write: ToldWrite): void {
    journal.append(changesOf(write))
    journal.sync()
  }
})

test.each([0, HALF])('a journal of another version of the format is refused and left as it is (at %i)', async at => {
  const { folder, journal } = await killed([[[{ sk: 'a', version: 1 }]]])
  const file = await readFile(journal)
  await write(journal, HALF, file.subarray(0, PAGE))
  await change(journal, at + 3, () => 0x39)
  const hash = await hashOf(journal)
  await expect(openItems({ kind: 'lmdb', folder })).rejects.toMatchObject({
    code: 'STORE_REFUSED',
    message: expect.stringContaining('written by another version of Varve'),
  })
  expect(await hashOf(journal)).toBe(hash)
})

/** Never to be changed: journals of users look so. Another format has another version in its magic. */
describe('the format, version 1', () => {
  const place: FramePlace = { opening: 0xa1b2c3d4e5f6, generation: 2 ** 33 + 1, number: 7, framesBefore: 300 }
  const changes: Change[] = [
    { keyBytes: Buffer.from('\0\x01ps'), version: 2 ** 53 - 1, value: Buffer.from('value') },
    { keyBytes: Buffer.from('\0\x01pt'), version: undefined, value: Buffer.alloc(0) },
    { keyBytes: Buffer.from('\0\x01pü'), version: 1, value: Buffer.alloc(0) },
  ]
  const hex =
    '56524a31ec4b0b776a00000003000000c0be9c7a5836e4420000080000000042070000002c0100000400010005000000ffffffffffff3f430001707376616c756504000000000000000000000000000000000170740500010000000000000000000000f03f000170c3bc'

  test('is read as what was written', () => {
    expect(readFrame(Buffer.from(`ffff${hex}`, 'hex'), 2)).toEqual({ ...place, changes, bytes: hex.length / 2 })
  })

  test('is written as before', () => {
    const memory = Buffer.alloc(frameBytes(changes) + 2)
    expect(writeFrame(memory, 2, place, changes)).toEqual(changes)
    expect(memory.toString('hex', 2)).toBe(hex)
  })

  test('with any byte garbled, or cut short, is not there', () => {
    const frame = Buffer.from(hex, 'hex')
    for (const at of frame.keys()) {
      for (const flipped of [0x01, 0x80, 0xff]) {
        const broken = Buffer.from(frame)
        broken[at]! ^= flipped
        expect(readFrame(broken, 0)).toBeUndefined()
      }
      expect(readFrame(frame.subarray(0, at), 0)).toBeUndefined()
    }
  })
})

/** A folder as it is after the turns, when the process is killed. `from`: one that is opened first. */
async function killed(turns: readonly ToldWrite[][], from = join(root, 'first')) {
  const store = await openItems({ kind: 'lmdb', folder: from })
  for (const turn of turns) {
    const outcomes = await Promise.all(turn.map(write => store.write(operationsOf(write))))
    expect(outcomes).toEqual(turn.map(() => ({ written: true })))
  }
  const folder = await copied(from)
  await store.close()
  return { folder, journal: join(folder, 'journal') }
}

async function copied(from: string): Promise<string> {
  const to = join(root, `copy ${copies++}`)
  copyAsKilled(from, to)
  return to
}

async function contentsIn(folder: string): Promise<Contents> {
  const store: ItemStore = await openItems({ kind: 'lmdb', folder })
  try {
    return await contentsOf(store)
  } finally {
    await store.close()
  }
}

function changesOf(write: ToldWrite): Change[] {
  return operationsOf(write).map(operation => {
    if (operation.kind !== 'put') throw new Error('a put is expected')
    return {
      keyBytes: itemKeyBytes({ pk: PK, sk: operation.key.sk }),
      version: operation.version,
      value: operation.value,
    }
  })
}

async function change(path: string, at: number, changed: (byte: number) => number): Promise<void> {
  const byte = (await readFile(path))[at]!
  await write(path, at, Buffer.of(changed(byte)))
}

async function fill(path: string, from: number, to: number): Promise<void> {
  await write(path, from, Buffer.alloc(to - from))
}

async function write(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, at)
  await file.close()
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
