/** The rules of the tree hold for the product, and each can fail. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseSourceFile, readSourceFiles } from './support/source-file.ts'
import { ROOMS, RULES } from './support/tree-rules.ts'

const root = join(import.meta.dirname, '..')

describe('the product', () => {
  const files = readSourceFiles(root, ['lib', 'functions', 'infra'])

  test('is there', () => expect(files.length).toBeGreaterThan(10))

  test.each(Object.keys(RULES))('%s', name => expect(RULES[name]?.(files)).toEqual([]))
})

test('the rooms are listed from the bottom up', () => {
  const names = Object.keys(ROOMS)
  for (const [index, room] of Object.values(ROOMS).entries()) {
    for (const name of room.rooms) expect(names.slice(0, index), `${names[index]} imports ${name}`).toContain(name)
  }
})

describe('a small tree', () => {
  /** A product that keeps every rule. */
  const sound: Readonly<Record<string, string>> = {
    'lib/base/index.ts': `export { systemClock } from './clock.ts'`,
    'lib/base/clock.ts': `export const systemClock = { now: () => Date.now() }`,
    'lib/storage/index.ts': `export type { Store } from './ports.ts'`,
    'lib/storage/ports.ts': `export interface Store { setTimeout(console: string): Date }`,
    'lib/storage/aws/index.ts': `export { table } from './table.ts'`,
    'lib/storage/aws/table.ts': `
      import { Client } from '@aws-sdk/client-dynamodb'
      import type { Store } from '../ports.ts'
      // console.log(Math.random(), new Date())
      export const table = (client: Client, clock: { now(): number }): Store => ({
        setTimeout: () => new Date(clock.now()),
        text: 'Date.now()',
      })`,
    'lib/assembly/index.ts': `
      import { systemClock } from '../base/index.ts'
      import { table } from '../storage/aws/index.ts'
      export const start = () => table(process.env.TABLE, systemClock)`,
  }

  function complaintsOf(changes: Readonly<Record<string, string>>): string[] {
    const files = Object.entries({ ...sound, ...changes }).map(([path, text]) => parseSourceFile(path, text))
    return Object.entries(RULES).flatMap(([rule, check]) => check(files).map(complaint => `${rule}: ${complaint}`))
  }

  test('that keeps the rules has no complaint', () => expect(complaintsOf({})).toEqual([]))

  /** What is changed in the sound tree, and what the complaint must say. */
  const breaches: [string, RegExp, Record<string, string>][] = [
    [
      'a call up the tree',
      /storage may not import lib\/assembly: turn/,
      storageWith(`import { a } from '../assembly/index.ts'`),
    ],
    [
      'a type from up the tree',
      /may not import lib\/assembly/,
      storageWith(`import type { a } from '../assembly/index.ts'`),
    ],
    ['a type in passing', /may not import lib\/assembly/, storageWith(`type A = import('../assembly/index.ts').A`)],
    ['a late import', /may not import lib\/assembly/, storageWith(`const a = await import('../assembly/index.ts')`)],
    ['a name passed on', /may not import lib\/assembly/, storageWith(`export { a } from '../assembly/index.ts'`)],
    [
      'a file in no room',
      /lib\/odd\/x.ts is in no room; put it/,
      { 'lib/odd/x.ts': `import { a } from '../base/index.ts'` },
    ],
    ['a call past a door', /import from lib\/base\/index.ts/, storageWith(`import { a } from '../base/clock.ts'`)],
    [
      'a call past an inner door',
      /import from lib\/storage\/aws\/index.ts/,
      storageWith(`import { a } from './aws/table.ts'`),
    ],
    [
      'an inner room, entered by another',
      /records may not import lib\/storage\/aws/,
      recordsWith('../storage/aws/index.ts'),
    ],
    ['a package of another room', /records may not import lmdb: leave/, recordsWith('lmdb')],
    ['a part of a package of another room', /may not import node:fs\/promises/, recordsWith('node:fs/promises')],
    ['the wall clock', /uses Date.now: take a Clock/, storageWith('export const a = Date.now')],
    ['the wall clock, made', /uses new Date\(\): take a Clock/, storageWith('export const a = new Date()')],
    ['the wall clock, called', /uses new Date\(\): take a Clock/, storageWith('export const a = Date()')],
    [
      'the monotonic clock',
      /uses performance.now: take a Clock/,
      storageWith('export const a = () => performance.now()'),
    ],
    ['a timer', /uses setTimeout: take a Clock/, storageWith('setTimeout(() => 1, 1)')],
    ['a timer by its long name', /uses setInterval: take a Clock/, storageWith('globalThis.setInterval(() => 1, 1)')],
    [
      'a timer as a shorthand',
      /uses setImmediate: take a Clock/,
      storageWith('export const timers = { setImmediate }'),
    ],
    [
      'a timer of a signal',
      /uses AbortSignal.timeout: take a Clock/,
      storageWith('export const a = AbortSignal.timeout(1)'),
    ],
    ['chance', /uses Math.random: take a Random/, storageWith('export const a = Math.random()')],
    ['chance by its other name', /uses Math.random: take a Random/, storageWith(`export const a = Math['random']()`)],
    ['chance of the web', /uses crypto.randomUUID: take a Random/, storageWith('export const a = crypto.randomUUID()')],
    [
      'chance of Node',
      /imports randomBytes of node:crypto: take/,
      storageWith(`import { randomBytes } from 'node:crypto'`),
    ],
    ['the environment', /uses process.env: take the value/, storageWith('export const a = process.env.HOME')],
    ['the environment, taken out', /uses process: take the value/, storageWith('export const { env } = process')],
    ['the console', /uses console.*: take a Logger/, storageWith(`console.log('a')`)],
    ['a file that nobody imports', /ports-2.ts is imported by nobody: use/, { 'lib/storage/ports-2.ts': '' }],
    [
      'a cycle',
      /ports.ts → .*b.ts → .*ports.ts: move/,
      { ...storageWith(`import './b.ts'`), 'lib/storage/b.ts': `import './ports.ts'` },
    ],
    [
      'a cycle of types',
      /ports.ts → lib\/storage\/ports.ts/,
      storageWith(`import type { Store as A } from './ports.ts'`),
    ],
    ['an import of test code', /is no source file of the product/, storageWith(`import { a } from '../../test/a.ts'`)],
    ['a default export', /has export default: export it by name/, storageWith('export default 1')],
    [
      'a default export by name',
      /has export default: export it by name/,
      storageWith('const a = 1; export { a as default }'),
    ],
    ['a star', /has export \*: list/, storageWith(`export * from './ports.ts'`)],
    ['any', /ports.ts:2 has any: use unknown/, storageWith('\nexport const a: any[] = []')],
    ['a long file', /ports.ts has 403 lines, over 400: split/, storageWith('\n'.repeat(401))],
    ['a name in another case', /storeTable.ts: name it in kebab case/, { 'lib/storage/storeTable.ts': '' }],
    ['a name that says nothing', /store-utils.ts: name it after what it holds/, { 'lib/storage/store-utils.ts': '' }],
  ]

  test.each(breaches)('%s is found', (_name, complaint, changes) => {
    expect(complaintsOf(changes)).toContainEqual(expect.stringMatching(complaint))
  })

  test('messages may be long', () => {
    const path = 'lib/protocol/messages/00-produce.ts'
    const tree = { [path]: '\n'.repeat(500), 'lib/protocol/index.ts': `export { a } from './messages/00-produce.ts'` }
    expect(complaintsOf(tree)).toEqual([])
  })

  function storageWith(text: string): Record<string, string> {
    return { 'lib/storage/ports.ts': `${text}\n${sound['lib/storage/ports.ts']}` }
  }

  function recordsWith(specifier: string): Record<string, string> {
    return { 'lib/records/index.ts': `export { a } from '${specifier}'` }
  }
})
