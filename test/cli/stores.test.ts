import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { openLog } from '../../lib/log/index.ts'
import { ApiKeys, Authenticator } from '../../lib/security/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'
import { batchOf } from '../support/batches.ts'
import { runCli } from '../support/cli.ts'

let folder: string

/** A folder with a topic of twenty records, half of them in objects, the first ten deleted. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-stores-'))
  const objects = await openFileObjects({ folder, random: systemRandom })
  const items = await openLmdbItems({ folder: join(folder, 'items'), clock: systemClock, random: systemRandom })
  const parts = { objects, items, clock: systemClock, random: systemRandom, logger: silentLogger }
  const log = openLog({ ...parts, flushBudget: Number.POSITIVE_INFINITY, itemSegmentBytesMax: 500 })
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  for (let i = 0; i < 20; i++) {
    const batch = batchOf([`${i}`.padEnd(i % 2 === 0 ? 600 : 1, '.')])
    await log.append({ topic, partition: 0, batch, timeoutMs: 10_000 })
  }
  await log.deleteRecords({ topic, partition: 0, before: 10, timeoutMs: 10_000 })
  await log.close()
  await objects.close()
  await items.close()
})
afterEach(() => rm(folder, { recursive: true }))

function varve(...args: string[]) {
  return runCli([...args, '--data', folder])
}

async function objectFiles(): Promise<string[]> {
  const entries = await readdir(join(folder, 'objects'), { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

test('upkeep tells what would go, takes it, and then finds nothing', { timeout: 120_000 }, async () => {
  const before = await objectFiles()
  expect(before).toHaveLength(10)
  expect((await varve('upkeep', '--dry-run')).stdout).toBe('0 findings, and nothing was changed\n')
  const dry = await varve('upkeep', '--dry-run', '--sweep-grace', '0')
  expect(dry.stdout).toMatch(/^sweep {2}segments\/\w+\/\w+ {2}\(a segment or snapshot that no head needs\)$/m)
  expect(dry.stdout).toMatch(/^10 findings, and nothing was changed$/m)
  expect(await objectFiles()).toEqual(before)
  const done = await varve('upkeep', '--sweep-grace', '0', '--json')
  expect(done.code).toBe(0)
  const lines = done.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.at(-1)).toMatchObject({ findings: 10, complete: true, failed: [] })
  expect(await objectFiles()).toHaveLength(5)
  expect((await varve('upkeep', '--sweep-grace', '0')).stdout).toBe('0 findings\n')
})

test('upkeep runs the jobs that are asked for', { timeout: 120_000 }, async () => {
  const { stdout } = await varve('upkeep', '--sweep-grace', '0', '--only', 'retain', 'compact')
  expect(stdout).toBe('0 findings\n')
})

test('a check says that all is whole, lists orphans when asked, and ends with 1 where something is wrong', {
  timeout: 120_000,
}, async () => {
  const whole = await varve('check')
  expect(whole).toMatchObject({ code: 0, stderr: '' })
  expect(whole.stdout).toMatch(/^1 topics, 1 partitions, 10 segments, 0 extents, [\d.]+ MiB; 10 orphans\n$/)
  expect((await varve('check', '--orphans')).stdout.match(/^orphan {2}/gm)).toHaveLength(10)
  const files = await objectFiles()
  for (const file of files) await writeFile(file, 'not a segment')
  const wrong = await varve('check')
  expect(wrong.code).toBe(1)
  expect(wrong.stdout.match(/^damaged {2}segments\//gm)).toHaveLength(5)
  expect(wrong.stderr).toMatch(/^5 things are wrong/)
})

test('wrong settings are told in a sentence', async () => {
  const { code, stderr } = await varve('upkeep', '--sweep-grace', 'soon')
  expect([code, stderr]).toEqual([2, '--sweep-grace must be a number from 0, but is "soon".\n'])
})

test('keys are made, listed and revoked in the items themselves, without a server', { timeout: 120_000 }, async () => {
  const keys = (...args: string[]) => runCli(['keys', ...args, '--items', `lmdb:${join(folder, 'items')}`])
  const made = JSON.parse((await keys('create', 'operator', '--scope', 'admin', '--json')).stdout)
  expect(made).toMatchObject({ name: 'operator', scopes: ['admin:*'], secret: expect.any(String) })
  expect((await keys('list')).stdout).toContain(`${made.id}  operator  admin:*`)
  const items = await openLmdbItems({ folder: join(folder, 'items'), clock: systemClock, random: systemRandom })
  const authenticator = new Authenticator({
    keys: new ApiKeys({ items, clock: systemClock, random: systemRandom }),
    clock: systemClock,
  })
  expect(await authenticator.identify(`Bearer ${made.token}`)).toMatchObject({ name: `key:${made.id}` })
  await items.close()
  expect(await keys('create', 'x', '--scope', 'nonsense')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("'nonsense' is no scope"),
  })
  expect((await keys('create', 'x', '--scope', 'admin', '--expires', 'soon')).code).toBe(2)
  expect((await keys('revoke', made.id)).stdout).toBe(`revoked ${made.id}\n`)
  expect(await keys('revoke', made.id)).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no key') })
})
