import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeObjectStore } from './object-store.ts'

describeObjectStore('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'file-objects-'))
  return { address: { kind: 'files', folder }, remove: () => rm(folder, { recursive: true }) }
})
