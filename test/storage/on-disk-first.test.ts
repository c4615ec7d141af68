/** Nothing can be seen before it is on disk: with a slow disk, and another process that looks all the time. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { describeWith } from '../support/requirement.ts'
import { openItems, openObjects } from '../support/store-address.ts'
import { slowedDown, strace } from './linux-tools.ts'

describeWith(strace, 'on disk first', () => {
  test('an item', async () => {
    await using folder = await temporaryFolder()
    const address = { kind: 'lmdb', folder: folder.path } as const
    const store = await openItems(address)
    const log = join(folder.path, 'calls.log')
    const writer = new Child('storage/slow-writer.ts', address, slowedDown(['fdatasync', 'pwrite64'], log))
    await writer.untilLines(1)
    const before = (await endedCalls(log)).length
    await store.write([
      { kind: 'put', key: { pk: 'slow', sk: 'go' }, expected: 'absent', version: 1, value: Buffer.from('go') },
    ])
    const seen = await watch(async () => (await store.get({ pk: 'slow', sk: 'done' })) !== undefined, log)
    const calls = seen.slice(before)
    // The pages, the sync, and the page that makes them valid, through a handle that syncs each write.
    expect(calls.findIndex(call => call.startsWith('fdatasync'))).toBeGreaterThanOrEqual(0)
    expect(calls.at(-1)).toMatch(/^pwrite64/)
    expect(calls.findLastIndex(call => call.startsWith('fdatasync'))).toBe(calls.length - 2)
    await writer.untilEnd()
    await store.close()
  })

  test('an object', async () => {
    await using folder = await temporaryFolder()
    const address = { kind: 'files', folder: folder.path } as const
    const store = await openObjects(address)
    const log = join(folder.path, 'calls.log')
    const writer = new Child('storage/slow-writer.ts', address, slowedDown(['fdatasync', 'fsync'], log))
    await writer.untilLines(1)
    const before = (await endedCalls(log)).length
    await store.put('slow/go', [Buffer.from('go')])
    const seen = await watch(async () => (await store.get('slow/done')) !== undefined, log)
    expect(seen.slice(before).map(nameOf)).toContain('fdatasync')
    await writer.untilLines(2)
    const names = (await endedCalls(log)).slice(before).map(nameOf)
    const linked = names.findIndex(name => name.startsWith('link'))
    expect(names.indexOf('fdatasync')).toBeLessThan(linked)
    expect(names.indexOf('fsync', linked)).toBeGreaterThan(linked)
    await writer.untilEnd()
    await store.close()
  })
})

/** Looks until it is there; answers the calls that had ended when it was seen first. */
async function watch(isThere: () => Promise<boolean>, log: string): Promise<string[]> {
  while (!(await isThere())) await new Promise(resolve => setImmediate(resolve))
  return endedCalls(log)
}

/** strace writes the line of a call when the call has ended, before the process goes on. */
async function endedCalls(log: string): Promise<string[]> {
  const lines = (await readFile(log, 'utf8')).split('\n')
  return lines
    .filter(line => / = \d/.test(line))
    .map(line => line.replace(/^\d+ +/, '').replace(/^<\.\.\. (\w+) resumed>/, '$1('))
}

function nameOf(call: string): string {
  return call.split('(')[0] ?? ''
}

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'on-disk-first-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}
