import { execFile } from 'node:child_process'
import { appendFile, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const checkout = join(import.meta.dirname, '../..')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-bundle-'))
  await cp(join(checkout, 'lib'), join(folder, 'lib'), { recursive: true })
  await copyFile(join(checkout, 'package.json'), join(folder, 'package.json'))
  await mkdir(join(folder, 'node_modules'))
  for (const name of await readdir(join(checkout, 'node_modules')))
    await symlink(join(checkout, 'node_modules', name), join(folder, 'node_modules', name))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const node = (...args: string[]) => run(process.execPath, args, { cwd: folder })
const varve = () => node('lib/cli/varve.js', '--version')

/** It tells that it ran. */
const mark = (path: string) => appendFile(join(folder, path), `\nconsole.log('${path} ran')\n`)

test('a checkout runs its bundle until a source changes, and again once it is bundled anew', {
  timeout: 60_000,
}, async () => {
  expect((await varve()).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)

  await node('lib/cli/bundle.ts')
  await mark('dist/varve.js')
  expect((await varve()).stdout).toContain('dist/varve.js ran')

  await mark('lib/cli/program.ts')
  expect((await varve()).stdout).toMatch(/^\d+\.\d+\.\d+\nlib\/cli\/program.ts ran\n$/)

  await node('lib/cli/bundle.ts')
  await mark('dist/varve.js')
  expect((await varve()).stdout).toContain('dist/varve.js ran')
})

test('bundling anew what has not changed leaves the files that a running server may load', {
  timeout: 60_000,
}, async () => {
  await node('lib/cli/bundle.ts')
  const before = await inodes()
  await node('lib/cli/bundle.ts')
  expect(await inodes()).toEqual(before)
})

test('HTTP is loaded with the first request for it, the clients of stores in AWS where they are used', {
  timeout: 60_000,
}, async () => {
  await node('lib/cli/bundle.ts')
  const start = (await readdir(join(folder, 'dist'))).find(name => /^start-\w+\.js$/.test(name))!
  const packages = await packagesOf(start)
  expect([...packages]).toContain('lru-cache')
  expect([...packages].filter(name => /^(hono|@hono|zod|jose|@aws-sdk|@smithy|node:http)/.test(name))).toEqual([])
})

/** What is there before the first line of a file of the bundle runs. */
async function packagesOf(file: string, packages = new Set<string>(), seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return packages
  seen.add(file)
  const code = await readFile(join(folder, 'dist', file), 'utf8')
  for (const [, target] of code.matchAll(/^(?:import|export)\s(?:[^;"]*\sfrom\s)?"([^"]+)";/gm)) {
    if (target!.startsWith('./')) await packagesOf(target!.slice(2), packages, seen)
    else packages.add(target!)
  }
  return packages
}

async function inodes(): Promise<Map<string, number>> {
  const names = (await readdir(join(folder, 'dist'))).filter(name => name.endsWith('.js'))
  return new Map(
    await Promise.all(names.map(async name => [name, (await stat(join(folder, 'dist', name))).ino] as const)),
  )
}
