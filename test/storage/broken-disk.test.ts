/** A full or read-only disk is told as what it is; nothing hangs, and nothing acknowledged is lost. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { describeWith } from '../support/requirement.ts'
import { mounts, onReadOnlyDisk, onSmallDisk } from './linux-tools.ts'

describeWith(mounts, 'a broken disk', () => {
  test.each(['lmdb', 'files'])('%s: full', async kind => {
    await withFolder(async folder => {
      const filler = new Child('storage/disk-filler.ts', { kind, folder: join(folder, 'store') }, onSmallDisk(folder, 2))
      const steps = (await filler.untilEnd()).map(line => JSON.parse(line))
      expect(steps).toEqual([
        { failure: { code: 'STORE_UNAVAILABLE', effect: 'none' } },
        { kept: 'all' },
        { lost: 'all' },
        { afterRoom: kind === 'lmdb' ? { written: true } : 'created' },
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

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'broken-disk-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
