/** Nothing can be seen before it is on disk: with a slow disk, and another process that looks all the time. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { describeWith } from '../support/requirement.ts'
import { openItems, openObjects } from '../support/store-address.ts'
import { contentsOfLmdb } from './killed-folder.ts'
import { slowedDown, strace } from './linux-tools.ts'
import { contentsAfter, contentsOf, type ToldWrite } from './told-writes.ts'

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

  test.runIf(process.platform === 'linux')('an item in the journal', async () => {
    await using folder = await temporaryFolder()
    const log = join(folder.path, 'calls.log')
    const address = { kind: 'lmdb', folder: join(folder.path, 'store') } as const
    const traced = ['strace', '-f', '-qq', '-o', log, '-e', 'trace=openat,pwrite64,write']
    const owner = new Child('storage/journal-owner.ts', { address, steps: [[[{ sk: 'a', version: 1 }]], 'never'] }, [
      ...traced,
      '-e',
      'inject=pwrite64:delay_enter=100000',
    ])
    await owner.untilLines(2)
    const calls = await endedCalls(log)
    await killTraced(owner)
    const opened = calls.findIndex(call => /^openat\(.*\/store\/journal", O_WRONLY/.test(call))
    // Each write is on disk when it ends.
    expect(calls[opened]).toMatch(/O_DSYNC/)
    const file = / = (\d+)$/.exec(calls[opened]!)![1]
    const written = calls.findIndex((call, index) => index > opened && call.startsWith(`pwrite64(${file}, "VRJ1`))
    expect(calls[written]).toMatch(/ = 4096 /)
    const acknowledged = calls.findIndex(call => call.startsWith('write(1, "[true]'))
    expect(acknowledged).toBeGreaterThan(written)
    // Nothing that LMDB has to do was waited for.
    expect(calls.slice(opened + 1, acknowledged).filter(call => call.startsWith('pwrite64'))).toHaveLength(1)
  })

  test('with a slow disk the journal is given up, and nothing is lost', async () => {
    await using folder = await temporaryFolder()
    const address = { kind: 'lmdb', folder: join(folder.path, 'store') } as const
    const log = join(folder.path, 'calls.log')
    const writes = Array.from('abcdefgh').map((sk): ToldWrite => [{ sk, version: 1 }])
    const steps = [...writes.map(write => [write]), 'never']
    const owner = new Child('storage/journal-owner.ts', { address, steps }, slowedDown(['pwrite64'], log))
    await owner.untilLines(1 + writes.length)
    expect(await contentsOfLmdb(address.folder, join(folder.path, 'lmdb'))).toEqual(contentsAfter(writes))
    await killTraced(owner)
    const store = await openItems(address)
    expect(await contentsOf(store)).toEqual(contentsAfter(writes))
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

/** The process, which does not end with strace. */
async function killTraced(child: Child): Promise<void> {
  const of = child.processId!
  const children = (await readFile(`/proc/${of}/task/${of}/children`, 'utf8')).trim().split(' ')
  for (const pid of children) process.kill(Number(pid), 'SIGKILL')
  await child.untilEnd().catch(() => {})
}

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
