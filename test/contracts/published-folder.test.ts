import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../../lib/base/index.ts'
import { openPublishedFolder } from '../../lib/storage/local/index.ts'
import { describePublishedFiles } from './published-files.ts'

describePublishedFiles('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'published-'))
  const files = openPublishedFolder(join(folder, 'archive'), systemRandom)
  return { files, remove: () => rm(folder, { recursive: true, force: true }) }
})
