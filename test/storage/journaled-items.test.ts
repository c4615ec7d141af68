/** What the contract does not say of the item store with its journal: what is left by a process that is killed, and who shares a folder. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Clock, systemRandom } from '../../lib/base/index.ts'
import type { ItemStore } from '../../lib/storage/index.ts'
import { openJournaledItems } from '../../lib/storage/local/index.ts'
import { Child } from '../support/child.ts'
import { describeWith } from '../support/requirement.ts'
import { openItems } from '../support/store-address.ts'
import { HastyClock } from './hasty-clock.ts'
import type { OwnerOptions } from './journal-owner.ts'
import { contentsOfLmdb } from './killed-folder.ts'
import { strace } from './linux-tools.ts'
import { contentsAfter, contentsOf, operationsOf, PK, type ToldWrite } from './told-writes.ts'

const KIB = 1_024

let root: string
let folder: string
/** The owner waits for it. */
let go: string
let children: Child[]
let stores: ItemStore[]
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'journaled-items-'))
  folder = join(root, 'store')
  go = join(root, 'go')
  children = []
  stores = []
})
afterEach(async () => {
  for (const child of children) await child.kill()
  for (const store of stores) await store.close()
  await rm(root, { recursive: true })
})

describe('after kill -9 there is all that was acknowledged, of which LMDB lacks something', () => {
  const before: ToldWrite[] = [
    [{ sk: 'a', version: 1 }],
    [{ sk: 'b', version: 1 }],
    [
      { sk: 'c', version: 1 },
      { sk: 'd', version: 1, bytes: 5_000 },
    ],
  ]
  const kinds: Record<string, ToldWrite[][]> = {
    'one item': [[[{ sk: 'new', version: 1 }]]],
    'an empty value': [[[{ sk: 'new', version: 1, bytes: 0 }]]],
    'deletes and replaced items': [
      [[{ sk: 'a', expected: 1 }]],
      [[{ sk: 'b', expected: 1, version: 2 }]],
      [
        [
          { sk: 'c', expected: 1 },
          { sk: 'd', expected: 1, version: 7, bytes: 9_000 },
          { sk: 'e', version: 2 ** 53 - 1 },
        ],
      ],
      [[{ sk: 'a', version: 3 }]],
      [[{ sk: 'e', expected: 2 ** 53 - 1 }]],
    ],
    'several writes in one turn, of the same items too': [
      [
        [{ sk: 'a', expected: 1, version: 2 }],
        [{ sk: 'a', expected: 2, version: 3 }],
        [{ sk: 'b', expected: 1 }],
        [{ sk: 'b', version: 9 }],
        ...numbered(40).map(sk => [{ sk, version: 1, bytes: 3_000 }]),
      ],
      [[{ sk: 'a', expected: 3, version: 4 }]],
    ],
    'more than three times the journal': fullTurns(28),
    'more than both halves in one turn': [fullTurns(12).flat()],
    'large ones between small ones': [
      [[{ sk: 'a', expected: 1, version: 2 }]],
      [large(4)],
      [[{ sk: 'large 2', expected: 1, version: 2, bytes: 10 }]],
      [
        [{ sk: 'small 1', version: 1 }],
        large(8, 'larger'),
        [{ sk: 'small 1', expected: 1 }],
        [{ sk: 'small 2', version: 1 }],
      ],
    ],
  }
  test.each(Object.entries(kinds))('%s', async (_name, turns) => {
    const prepared = await opened({ journal: false })
    for (const write of before) await prepared.write(operationsOf(write))
    await prepared.close()
    const owner = own([...turns, go])
    await owner.untilLines(1 + turns.length)
    expect(owner.lines.slice(1).flatMap(line => JSON.parse(line))).toEqual(turns.flat().map(() => true))
    await owner.kill()

    const expected = contentsAfter([...before, ...turns.flat()])
    expect(await contentsOfLmdb(folder, join(root, 'lmdb'))).not.toEqual(expected)
    expect(await contentsOf(await opened())).toEqual(expected)
  })

  test('both halves of the journal', async () => {
    const owner = own([[[{ sk: 'first', version: 1 }]], go, ...bothHalves])
    await owner.untilLines(2)
    // LMDB takes nothing more in.
    const holder = child('storage/lock-holder.ts', { folder })
    await holder.untilLines(1)
    await writeFile(go, '')
    await owner.untilLines(2 + bothHalves.length)
    await owner.kill()
    await holder.kill()
    expect(await contentsOfLmdb(folder, join(root, 'lmdb'))).toEqual({})
    expect(await contentsOf(await opened())).toEqual(
      contentsAfter([[{ sk: 'first', version: 1 }], ...bothHalves.flat()]),
    )
  })

  describeWith(strace, 'killed again while LMDB takes it in', () => {
    test.each([
      ['pwrite64', 1],
      ['writev', 1],
      ['fdatasync', 1],
    ])('at %s %i', async (call, n) => {
      const turns = fullTurns(3)
      const owner = own(turns)
      await owner.untilLines(1 + turns.length)
      await owner.kill()
      const dying = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:signal=SIGKILL:when=${n}`]
      const taker = child('storage/journal-owner.ts', { address: { kind: 'lmdb', folder }, steps: [] }, dying)
      await expect(taker.untilLines(1)).rejects.toThrow('ended after 0 lines')
      expect(await contentsOf(await opened())).toEqual(contentsAfter(turns.flat()))
    })
  })
})

/** As much as fits, and less than what would begin a third. */
const bothHalves = fullTurns(7)

describe('a second process', () => {
  const first: ToldWrite[] = [
    [{ sk: 'a', version: 1 }],
    [{ sk: 'b', version: 1, bytes: 9_000 }],
    [{ sk: 'a', expected: 1 }],
  ]
  const contested = numbered(300).map((sk): ToldWrite => [{ sk, version: 1 }])

  test('sees what is in the journal only; both write, one at each condition; each goes on without the other', async () => {
    const owner = own([first, go, contested, `${go} on`, [[{ sk: 'last of the first', version: 1 }]]])
    await owner.untilLines(2)
    expect(await contentsOfLmdb(folder, join(root, 'lmdb'))).toEqual({})
    const store = await opened()
    expect(await contentsOf(store)).toEqual(contentsAfter(first))
    await writeFile(go, '')
    const own300 = await Promise.all(contested.toReversed().map(write => store.write(operationsOf(write))))
    await owner.untilLines(3)
    const theirs = JSON.parse(owner.lines[2]!) as boolean[]
    expect(own300.toReversed().map(({ written }) => written)).toEqual(theirs.map(written => !written))
    await writeFile(`${go} on`, '')
    await owner.untilLines(4)
    await owner.kill()
    const last: ToldWrite[] = [[{ sk: 'last of both', version: 1 }]]
    expect(await store.write(operationsOf(last[0]!))).toEqual({ written: true })
    const all = contentsAfter([...first, ...contested, [{ sk: 'last of the first', version: 1 }], ...last])
    expect(await contentsOf(store)).toEqual(all)
    await store.close()
    expect(await contentsOf(await opened())).toEqual(all)
  })

  test('is told in time where the first stands still, and nothing is lost when that goes on', async () => {
    const owner = own([first, go, [[{ sk: 'c', version: 1 }]]])
    await owner.untilLines(2)
    process.kill(owner.processId!, 'SIGSTOP')
    const clock = new HastyClock()
    const opening = opened({ clock })
    await Promise.all([
      expect(opening).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'none' }),
      clock.endLongSleeps(),
    ])
    process.kill(owner.processId!, 'SIGCONT')
    await writeFile(go, '')
    await owner.untilLines(3)
    expect(owner.lines[2]).toBe('[true]')
    const all = contentsAfter([...first, [{ sk: 'c', version: 1 }]])
    expect(await contentsOf(await opened())).toEqual(all)
  })

  test('is not let in while the first lives and cannot be asked, as in another container', async () => {
    const owner = own([first, go, [[{ sk: 'c', version: 1 }]]])
    await owner.untilLines(2)
    for (const name of await readdir(join(folder, 'open'))) await rm(join(folder, 'open', name))
    await expect(opened({ clock: new HastyClock() })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('another process has the item store for itself'),
    })
    await writeFile(go, '')
    await owner.untilLines(3)
    expect(owner.lines[2]).toBe('[true]')
    await owner.kill()
    expect(await contentsOfLmdb(folder, join(root, 'lmdb'))).toEqual({})
    expect(await contentsOf(await opened())).toEqual(contentsAfter([...first, [{ sk: 'c', version: 1 }]]))
  })

  test('has no journal while one that is closing still commits', async () => {
    const closing = await opened()
    await (await opened()).close()
    const writes = numbered(4_000).map((sk): ToldWrite => [{ sk, version: 1 }])
    const attempts = writes.map(write => closing.write(operationsOf(write)))
    const closed = closing.close()
    const next = await opened()
    const again = await Promise.all(writes.toReversed().map(write => next.write(operationsOf(write))))
    const before = await Promise.all(attempts)
    expect(before.map(({ written }) => written)).toEqual(again.toReversed().map(({ written }) => !written))
    await closed
    expect(await contentsOf(next)).toEqual(contentsAfter(writes))
  })
})

test('a page is empty only where nothing is left, whatever the journal has deleted', async () => {
  const prepared = await opened()
  const writes = numbered(30).map((sk): ToldWrite => [{ sk, version: 1 }])
  for (const write of writes) await prepared.write(operationsOf(write))
  await prepared.close()
  const store = await opened()
  for (const sk of numbered(20)) await store.write(operationsOf([{ sk, expected: 1 }]))
  const [next] = (await store.query(PK, { limit: 1 })).items
  expect(next?.key.sk).toBe(numbered(30)[20])
  expect((await store.query(PK, { limit: 7 })).items).not.toEqual([])
  for (const sk of numbered(30).slice(20)) await store.write(operationsOf([{ sk, expected: 1 }]))
  expect(await store.query(PK, { limit: 1 })).toEqual({ items: [] })
})

test('while LMDB takes one half in, all of both can be read', async () => {
  const store = await opened()
  const holder = child('storage/lock-holder.ts', { folder })
  await holder.untilLines(1)
  for (const turn of bothHalves) await Promise.all(turn.map(write => store.write(operationsOf(write))))
  expect(await contentsOf(store)).toEqual(contentsAfter(bothHalves.flat()))
  await holder.kill()
})

test('close leaves nothing to the journal', async () => {
  const store = await opened()
  const writes = numbered(50).map((sk): ToldWrite => [{ sk, version: 1 }])
  const acknowledged = writes.map(write => store.write(operationsOf(write)))
  await store.close()
  expect(await Promise.all(acknowledged)).toEqual(writes.map(() => ({ written: true })))
  await expect(store.get({ pk: PK, sk: '000' })).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  await expect(store.write(operationsOf([{ sk: 'x', version: 1 }]))).rejects.toMatchObject({ code: 'STORE_REFUSED' })
  expect(existsSync(join(folder, 'journal'))).toBe(true)
  expect(await contentsOfLmdb(folder, join(root, 'lmdb'))).toEqual(contentsAfter(writes))
})

async function opened({ clock, journal }: { clock?: Clock; journal?: false } = {}): Promise<ItemStore> {
  const store = clock
    ? await openJournaledItems({ folder, clock, random: systemRandom })
    : await openItems({ kind: 'lmdb', folder, ...(journal === false ? { journal } : {}) })
  stores.push(store)
  return store
}

function own(steps: OwnerOptions['steps']): Child {
  return child('storage/journal-owner.ts', { address: { kind: 'lmdb', folder }, steps })
}

function child(...options: ConstructorParameters<typeof Child>): Child {
  const started = new Child(...options)
  children.push(started)
  return started
}

/** A write of more than goes into the journal. */
function large(items: number, name = 'large'): ToldWrite {
  return Array.from({ length: items }, (_, index) => ({ sk: `${name} ${index}`, version: 1, bytes: 390 * KIB }))
}

/** Each of 1,000 KiB. */
function fullTurns(count: number): ToldWrite[][] {
  return numbered(count).map(turn => numbered(20).map(sk => [{ sk: `${turn} ${sk}`, version: 1, bytes: 50 * KIB }]))
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(4, '0'))
}
