/** A full or read-only disk is told as what it is; nothing hangs, and nothing acknowledged is lost. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { describeWith } from '../support/requirement.ts'
import { openItems } from '../support/store-address.ts'
import { failingFrom, mounts, onReadOnlyDisk, onSmallDisk, strace } from './linux-tools.ts'

describeWith(mounts, 'a broken disk', () => {
  test.each(['lmdb', 'files'])('%s: full', async kind => {
    await withFolder(async folder => {
      const filler = new Child(
        'storage/disk-filler.ts',
        { kind, folder: join(folder, 'store') },
        onSmallDisk(folder, 2),
      )
      const steps = (await filler.untilEnd()).map(line => JSON.parse(line))
      expect(steps).toEqual([
        { failure: { code: 'STORE_UNAVAILABLE', effect: 'none' } },
        { kept: 'all' },
        { lost: 'all' },
        { afterRoom: kind === 'lmdb' ? { written: true } : 'created' },
      ])
    })
  })

  test.each([
    ['with a journal at first', 64, true],
    ['too small for a journal', 16, false],
  ])('lmdb: full, %s', async (_name, megabytes, hasJournal) => {
    await withFolder(async folder => {
      const steps = await fullDiskSteps(folder, { kind: 'byItself', megabytes })
      expect(steps).toEqual([
        { hasJournal },
        'STORE_UNAVAILABLE, effect none',
        { kept: true },
        { kept: true },
        { written: true },
        { kept: true },
      ])
    })
  })

  test('lmdb: filled by another while there are items in the journal only', async () => {
    await withFolder(async folder => {
      const steps = await fullDiskSteps(folder, { kind: 'byAnother', megabytes: 64 })
      expect(steps).toEqual([
        { fates: [true, 'STORE_UNAVAILABLE, effect none'] },
        'STORE_UNAVAILABLE, effect none',
        { kept: true },
        'STORE_UNAVAILABLE, effect none',
        true,
        { kept: true },
      ])
    })
  })

  test.each(['lmdb', 'files'])('%s: read-only', async kind => {
    await withFolder(async folder => {
      const address = { kind, folder: join(folder, 'store') }
      expect(await new Child('storage/store-opener.ts', address, onReadOnlyDisk(folder)).untilEnd()).toEqual([
        'STORE_REFUSED',
      ])
      expect(await new Child('storage/store-opener.ts', address).untilEnd()).toEqual(['opened'])
      expect(await new Child('storage/store-opener.ts', address, onReadOnlyDisk(folder)).untilEnd()).toEqual([
        'STORE_REFUSED',
      ])
    })
  })
})

describeWith(strace, 'a disk that fails', () => {
  test.each([
    ['lmdb alone: fdatasync', 'fdatasync', false],
    ['lmdb alone: pwrite64', 'pwrite64', false],
    ['lmdb with its journal: pwrite64', 'pwrite64', true],
  ] as const)('%s', async (_name, call, journaled) => {
    await withFolder(async folder => {
      const place = { kind: 'lmdb', folder: join(folder, 'store') } as const
      const address = journaled ? place : ({ ...place, journal: false } as const)
      const prober = new Child('storage/item-prober.ts', address, failingFrom(call, 7))
      const lines = await prober.untilEnd()
      expect(lines.at(-1)).toBe('closed')
      const fates = lines.slice(0, -1)
      expect(fates).toContain('written')
      expect(new Set(fates).size).toBeGreaterThan(1)
      const store = await openItems(address)
      for (const [index, fate] of fates.entries()) {
        const isThere = (await store.get({ pk: 'probe', sk: String(index) })) !== undefined
        if (fate === 'unknown') continue
        expect([index, fate, isThere]).toEqual([index, fate, fate === 'written'])
      }
      await store.close()
    })
  })
})

async function fullDiskSteps(
  folder: string,
  { kind, megabytes }: { readonly kind: string; readonly megabytes: number },
): Promise<unknown[]> {
  const disk = join(folder, 'disk')
  await mkdir(disk)
  const options = { folder: disk, beside: folder, kind }
  const filler = new Child('storage/full-disk-journal.ts', options, onSmallDisk(disk, megabytes))
  return (await filler.untilEnd()).map(line => JSON.parse(line))
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'broken-disk-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
