import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'vitest'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'
import { expectAllGivenBack } from './give-back.ts'

test('files and LMDB hold nothing but what is alive', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'give-back-'))
  const objects = await openFileObjects({ folder, random: systemRandom })
  const items = await openLmdbItems({ folder: join(folder, 'items'), clock: systemClock, random: systemRandom })
  try {
    await expectAllGivenBack({ objects, items })
  } finally {
    await objects.close()
    await items.close()
    await rm(folder, { recursive: true })
  }
})
