/**
 * The rules of the tree (DESIGN, "The tree"), as data and as functions from the files to what is wrong with them. Each complaint
 * says what to do. To change a rule on purpose, change its table here, in the same commit as the code that needs it.
 */
import { posix } from 'node:path'
import type { SourceFile } from './source-file.ts'

export interface Room {
  /** The rooms above it in the tree that it may import, types included. */
  readonly rooms: readonly string[]
  /** The packages it may import: `name`, with all below it, or `scope/*`; `*`: any. */
  readonly packages: readonly string[]
}

/** From the bottom up: a room may name only those before it. `storage/aws` is a room inside a room, with a door of its own. */
export const ROOMS: Readonly<Record<string, Room>> = {
  'lib/base': { rooms: [], packages: ['node:crypto'] },
  'lib/storage': { rooms: ['lib/base'], packages: [] },
  'lib/storage/aws': {
    rooms: ['lib/base', 'lib/storage'],
    packages: ['@aws-sdk/*', '@smithy/*', 'node:https', 'node:stream', 'node:zlib'],
  },
  'lib/storage/local': {
    rooms: ['lib/base', 'lib/storage'],
    packages: [
      'lmdb',
      'node:fs',
      'node:path',
      'node:crypto',
      'node:util',
      'node:net',
      'node:events',
      'node:sqlite',
      'node:zlib',
    ],
  },
  'lib/leases': { rooms: ['lib/base', 'lib/storage'], packages: [] },
  'lib/lifetimes': { rooms: ['lib/base', 'lib/storage'], packages: ['node:crypto'] },
  'lib/records': {
    rooms: ['lib/base'],
    packages: ['@node-rs/crc32', 'snappy', 'lz4-napi', 'node:zlib', 'node:buffer'],
  },
  'lib/configs': { rooms: ['lib/base', 'lib/storage', 'lib/lifetimes'], packages: ['lru-cache'] },
  'lib/log': {
    rooms: ['lib/base', 'lib/storage', 'lib/leases', 'lib/lifetimes', 'lib/records', 'lib/configs'],
    packages: ['@node-rs/crc32', 'lru-cache', 'node:crypto'],
  },
  'lib/groups': {
    rooms: ['lib/base', 'lib/storage', 'lib/lifetimes', 'lib/configs', 'lib/log'],
    packages: ['lru-cache', 're2js'],
  },
  'lib/transactions': {
    rooms: ['lib/base', 'lib/storage', 'lib/lifetimes', 'lib/records', 'lib/log', 'lib/groups'],
    packages: ['lru-cache'],
  },
  'lib/share': {
    rooms: ['lib/base', 'lib/storage', 'lib/lifetimes', 'lib/configs', 'lib/records', 'lib/log', 'lib/groups'],
    packages: [],
  },
  'lib/archive': {
    rooms: ['lib/base', 'lib/storage', 'lib/records', 'lib/log'],
    packages: ['node:crypto', 'avsc', 'hyparquet', 'hyparquet-writer', 'node:zlib'],
  },
  'lib/security': { rooms: ['lib/base', 'lib/storage'], packages: ['jose', 'lru-cache', 'node:crypto'] },
  'lib/ingest': {
    rooms: ['lib/base', 'lib/storage', 'lib/records', 'lib/log'],
    packages: ['lru-cache', 'node:crypto'],
  },
  'lib/push': {
    rooms: ['lib/base', 'lib/storage', 'lib/leases', 'lib/records', 'lib/log'],
    packages: ['node:crypto', 'node:dns', 'node:http', 'node:https', 'node:net', 'node:path', 'node:url'],
  },
  'lib/push/aws': { rooms: ['lib/base', 'lib/push'], packages: ['@aws-sdk/*'] },
  'lib/protocol': { rooms: ['lib/base'], packages: [] },
  'lib/broker': {
    rooms: [
      'lib/base',
      'lib/storage',
      'lib/records',
      'lib/configs',
      'lib/log',
      'lib/groups',
      'lib/transactions',
      'lib/share',
      'lib/security',
      'lib/protocol',
    ],
    packages: ['node:crypto'],
  },
  'lib/gateway': {
    rooms: ['lib/base', 'lib/security', 'lib/protocol', 'lib/broker'],
    packages: ['node:net', 'node:tls'],
  },
  'lib/http': {
    rooms: [
      'lib/base',
      'lib/storage',
      'lib/records',
      'lib/log',
      'lib/groups',
      'lib/transactions',
      'lib/security',
      'lib/push',
    ],
    packages: ['hono', 'zod', 'node:crypto', 'node:stream', 'node:zlib'],
  },
  'lib/assembly': {
    rooms: [
      'lib/base',
      'lib/storage',
      'lib/storage/aws',
      'lib/storage/local',
      'lib/leases',
      'lib/records',
      'lib/configs',
      'lib/log',
      'lib/groups',
      'lib/transactions',
      'lib/share',
      'lib/security',
      'lib/protocol',
      'lib/broker',
      'lib/push',
      'lib/push/aws',
      'lib/ingest',
      'lib/archive',
      'lib/gateway',
      'lib/http',
    ],
    packages: ['node:stream', 'node:zlib', '*'],
  },
  'lib/assembly/serverless': {
    rooms: [
      'lib/base',
      'lib/storage',
      'lib/storage/aws',
      'lib/leases',
      'lib/configs',
      'lib/log',
      'lib/groups',
      'lib/transactions',
      'lib/security',
      'lib/ingest',
      'lib/archive',
      'lib/push',
      'lib/http',
      'lib/assembly',
    ],
    packages: ['node:stream'],
  },
  'lib/client': { rooms: ['lib/base', 'lib/records'], packages: ['@platformatic/kafka'] },
  'lib/streams': { rooms: ['lib/base', 'lib/records', 'lib/client'], packages: [] },
  'lib/connect': { rooms: ['lib/base', 'lib/records', 'lib/client', 'lib/streams'], packages: [] },
  'lib/console': { rooms: ['lib/base', 'lib/records', 'lib/client'], packages: [] },
  'lib/cli': {
    rooms: ['lib/base', 'lib/records', 'lib/client', 'lib/assembly'],
    packages: [
      '@platformatic/kafka',
      'commander',
      'esbuild',
      'node:events',
      'node:fs',
      'node:module',
      'node:path',
      'node:process',
      'node:readline',
      'node:stream',
      'node:url',
      'node:util',
      'node:v8',
    ],
  },
  functions: {
    rooms: ['lib/assembly/serverless'],
    packages: ['esbuild', 'lz4js', 'snappyjs', 'node:path'],
  },
  infra: { rooms: [], packages: ['aws-cdk-lib', 'constructs', 'node:fs', 'node:path'] },
}

/** Rooms inside rooms, which only these may enter. */
const INNER_DOORS: Readonly<Record<string, readonly string[]>> = {
  'lib/storage/aws': ['lib/assembly', 'lib/assembly/serverless'],
  'lib/storage/local': ['lib/assembly'],
  'lib/push/aws': ['lib/assembly'],
  'lib/assembly/serverless': ['functions'],
}

/** Where a process begins: imported by nobody. Doors (`index.ts`) need not be listed. */
const ENTRY_POINTS = [/^lib\/cli\/(program|bundle)\.ts$/, /^functions\/(portable\/)?[^/]+\.ts$/, /^infra\/[^/]+\.ts$/]

interface Ambient {
  readonly names: RegExp
  readonly instead: string
}

const AMBIENT: readonly Ambient[] = [
  { names: /^(Date\.now|new Date\(\)|performance(\.now|\.timeOrigin)?|process\.hrtime.*)$/, instead: 'take a Clock' },
  { names: /^(set(Timeout|Interval|Immediate)|AbortSignal\.timeout)$/, instead: 'take a Clock and use its sleep' },
  { names: /^(Math\.random|crypto(\..*)?)$/, instead: 'take a Random' },
  { names: /^process(\.(env|argv).*)?$/, instead: 'take the value as an argument; lib/assembly reads the environment' },
  { names: /^console(\..*)?$/, instead: 'take a Logger' },
]

/** Names of node:crypto that draw randomness. */
const RANDOM_IMPORTS = /^(random.*|webcrypto|getRandomValues)$/

const AMBIENT_HOMES = [/^lib\/base\/(clock|random)\.ts$/, /^lib\/assembly\//, /^lib\/cli\//, /^infra\//]

const LINES_MAX = 400
/** Tables of messages may be as long as the message. */
const LINES_EXEMPT = /^lib\/protocol\/messages\//

export type Rule = (files: readonly SourceFile[]) => string[]

export const RULES: Readonly<Record<string, Rule>> = {
  'a room imports only rooms that its row in ROOMS names': checkRooms,
  'a folder with an index.ts is entered through it': checkDoors,
  'a room imports only packages that its row in ROOMS names': checkPackages,
  'time, randomness, environment and logging come by argument': checkAmbient,
  'every file is imported by another, or is an entry point': checkOrphans,
  'no import cycles, even of types': checkCycles,
  'every import leads to a file': checkTargets,
  'no default export': files => complain(files, 'defaultExports', 'export it by name'),
  'no export *': files => complain(files, 'starExports', 'list each exported name by hand'),
  'no any': files => complain(files, 'anyTypes', 'use unknown and narrow it, or say the type'),
  'files are short': checkLengths,
  'files are named in kebab case, after what they hold': checkNames,
}

function checkRooms(files: readonly SourceFile[]): string[] {
  return complainOfImports(files, ({ path }, target) => {
    const from = roomOf(path)
    if (from === undefined) return `${path} is in no room; put it into one, or give its folder a row in ROOMS`
    const to = roomOf(target)
    if (to === undefined || to === from || ROOMS[from]!.rooms.includes(to)) return undefined
    return `${from} may not import ${to}: turn the call round, take what is needed as an argument, or move it down the tree`
  })
}

function checkDoors(files: readonly SourceFile[]): string[] {
  const closed = new Set(files.filter(({ path }) => path.endsWith('/index.ts')).map(({ path }) => posix.dirname(path)))
  return complainOfImports(files, ({ path }, target) => {
    const entered = foldersOf(target).filter(folder => closed.has(folder) && !path.startsWith(`${folder}/`))
    const inner = entered.find(folder => INNER_DOORS[folder]?.includes(roomOf(path) ?? ''))
    const folder = inner ?? entered[0]
    if (folder === undefined || target === `${folder}/index.ts`) return undefined
    return `imports ${target} past its door: import from ${folder}/index.ts, and export there what is missing`
  })
}

function checkPackages(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => {
    const allowed = ROOMS[roomOf(file.path) ?? '']?.packages ?? []
    return file.imports
      .filter(each => each.isPackage && !allowed.some(pattern => matchesPackage(pattern, each.target)))
      .map(({ line, target }) => {
        const room = roomOf(file.path)
        return `${file.path}:${line} ${room} may not import ${target}: leave it to the room that owns it, or add it to ROOMS`
      })
  })
}

function checkAmbient(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !AMBIENT_HOMES.some(home => home.test(path)))
    .flatMap(({ path, globals, imports }) => [
      ...globals.flatMap(({ line, what }) => {
        const ambient = AMBIENT.find(({ names }) => names.test(what))
        return ambient ? [`${path}:${line} uses ${what}: ${ambient.instead}`] : []
      }),
      ...imports
        .filter(({ target, names }) => target === 'node:crypto' && names.some(name => RANDOM_IMPORTS.test(name)))
        .map(({ line, names }) => `${path}:${line} imports ${names.join(', ')} of node:crypto: take a Random`),
    ])
}

function checkOrphans(files: readonly SourceFile[]): string[] {
  const imported = new Set(files.flatMap(file => file.imports.map(({ target }) => target)))
  return files
    .map(({ path }) => path)
    .filter(path => !imported.has(path) && !path.endsWith('/index.ts') && !ENTRY_POINTS.some(entry => entry.test(path)))
    .map(path => `${path} is imported by nobody: use it, delete it, or list it in ENTRY_POINTS`)
}

function checkCycles(files: readonly SourceFile[]): string[] {
  const importsOf = new Map(files.map(file => [file.path, file.imports.map(({ target }) => target)]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      const round = [...trail.slice(start), path].join(' → ')
      cycles.push(`${round}: move what they share into a file of its own`)
    }
    if (start >= 0 || done.has(path)) return
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return cycles
}

function checkTargets(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path))
  return complainOfImports(files, (_file, target) =>
    paths.has(target) ? undefined : `imports ${target}, which is no source file of the product: import one that is`,
  )
}

function checkLengths(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, lines }) => lines > LINES_MAX && !LINES_EXEMPT.test(path))
    .map(({ path, lines }) => `${path} has ${lines} lines, over ${LINES_MAX}: split it by what its parts own`)
}

function checkNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) => {
    const name = posix.basename(path, '.ts').replace(/\.d$/, '')
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [`${path}: name it in kebab case`]
    if (/(^|-)(manager|helpers?|utils?|impl|common|misc)$/.test(name)) return [`${path}: name it after what it holds`]
    return []
  })
}

// ---------------------------------------------------------------- shared by the rules

function complain(files: readonly SourceFile[], kind: 'defaultExports' | 'starExports' | 'anyTypes', advice: string) {
  return files.flatMap(file => file[kind].map(({ line, what }) => `${file.path}:${line} has ${what}: ${advice}`))
}

/** A complaint for each import of a file of the project of which `judge` says something. */
function complainOfImports(
  files: readonly SourceFile[],
  judge: (file: SourceFile, target: string) => string | undefined,
): string[] {
  return files.flatMap(file =>
    file.imports.flatMap(({ isPackage, line, target }) => {
      const complaint = isPackage ? undefined : judge(file, target)
      return complaint === undefined ? [] : [`${file.path}:${line} ${complaint}`]
    }),
  )
}

/** The innermost room that `path` lies in. */
function roomOf(path: string): string | undefined {
  return foldersOf(path).findLast(folder => folder in ROOMS)
}

/** `lib/a/b.ts` lies in `lib` and `lib/a`. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function matchesPackage(pattern: string, name: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith('/*')) return name.startsWith(pattern.slice(0, -1))
  return name === pattern || name.startsWith(`${pattern}/`)
}
