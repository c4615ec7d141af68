/**
 * A small disk that something else fills while a store has things in its journal only, and a store that fills it by itself. Prints a line
 * of JSON for each step. `folder`: the disk; `beside`: a folder on another.
 */
import { existsSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ItemStore, StoreError } from '../../lib/storage/index.ts'
import { Child, childArgument } from '../support/child.ts'
import { openItems } from '../support/store-address.ts'
import { contentsAfter, contentsOf, operationsOf, type ToldWrite } from './told-writes.ts'

const VALUE_BYTES = 50_000

const { folder, beside, kind } = childArgument<{ folder: string; beside: string; kind: keyof typeof kinds }>()
const address = { kind: 'lmdb', folder: join(folder, 'store') } as const
const ballast = join(folder, 'ballast')
const kinds = { byItself, byAnother }
await kinds[kind]()

async function byItself(): Promise<void> {
  const store = await openItems(address)
  print({ hasJournal: existsSync(join(address.folder, 'journal')) })
  const written = await fill(store)
  await printKept(store, written)
  await store.close()
  const again = await openItems(address)
  await printKept(again, written)
  const removed = written.slice(0, 20).map(([put]): ToldWrite => [{ sk: put!.sk, expected: 1 }])
  for (const write of removed) await again.write(operationsOf(write))
  const after: ToldWrite = [{ sk: 'after room', version: 1, bytes: VALUE_BYTES }]
  print(await again.write(operationsOf(after)))
  await printKept(again, [...written, ...removed, after])
  await again.close()
}

async function byAnother(): Promise<void> {
  const go = join(beside, 'go')
  const first = numbered('first', 20)
  const second = numbered('second', 145)
  const steps = [...first.map(write => [write]), go, ...second.map(write => [write])]
  const owner = new Child('storage/journal-owner.ts', { address, steps })
  await owner.untilLines(1 + first.length)
  fillWithBallast()
  writeFileSync(go, '')
  await owner.untilLines(1 + first.length + second.length)
  const fates = owner.lines.slice(1).map(line => JSON.parse(line)[0] as unknown)
  await owner.kill()
  const kept = [...first, ...second].filter((_, index) => fates[index] === true)
  print({ fates: Array.from(new Set(fates)) })
  print(await openItems(address).catch(codeOf))
  // For the file that says who has the folder open; LMDB needs some MiB.
  truncateSync(ballast, statSync(ballast).size - 64 * 1_024)
  const store = await openItems(address)
  await printKept(store, kept)
  const after: ToldWrite = [{ sk: 'after room', version: 1 }]
  print(await fateOf(store, after))
  rmSync(ballast)
  print(await fateOf(store, after))
  await printKept(store, [...kept, after])
  await store.close()
}

/** Until it is told that there is no room; gives what was acknowledged. */
async function fill(store: ItemStore): Promise<ToldWrite[]> {
  const written: ToldWrite[] = []
  for (const write of numbered('fill', 10_000)) {
    const fate = await fateOf(store, write)
    if (fate !== true) {
      print(fate)
      return written
    }
    written.push(write)
  }
  throw new Error('the disk is not small')
}

function fillWithBallast(): void {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize))
}

async function fateOf(store: ItemStore, write: ToldWrite): Promise<unknown> {
  try {
    return (await store.write(operationsOf(write))).written
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return error instanceof StoreError ? `${error.code}, effect ${error.effect}` : String(error)
}

async function printKept(store: ItemStore, written: readonly ToldWrite[]): Promise<void> {
  const expected = contentsAfter(written)
  const found = await contentsOf(store)
  print({ kept: JSON.stringify(Object.entries(expected).sort()) === JSON.stringify(Object.entries(found).sort()) })
}

function numbered(name: string, count: number): ToldWrite[] {
  return Array.from({ length: count }, (_, index) => [
    { sk: `${name} ${String(index).padStart(5, '0')}`, version: 1, bytes: VALUE_BYTES },
  ])
}

function print(step: unknown): void {
  console.log(JSON.stringify(step))
}
