import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeItemStore } from './item-store.ts'

describeItemStore('LMDB with its journal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lmdb-items.'))
  return { address: { kind: 'lmdb', folder }, remove: () => rm(folder, { recursive: true }) }
})

describeItemStore('LMDB alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lmdb-items.'))
  return { address: { kind: 'lmdb', folder, journal: false }, remove: () => rm(folder, { recursive: true }) }
})

describeItemStore('LMDB, opened anew all the time', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lmdb-items.'))
  return { address: { kind: 'lmdb', folder, mappedBytesMax: 1 }, remove: () => rm(folder, { recursive: true }) }
})
