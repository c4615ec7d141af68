import { availableParallelism } from 'node:os'
import { beforeAll, describe, expect, test } from 'vitest'
import { inParallel } from '../../../lib/base/index.ts'
import type { Failure } from '../fleet.ts'
import { plants } from './index.ts'
import { findPlant } from './search.ts'

describe('a planted bug is found:', () => {
  const searches = new Map<string, Promise<Failure | undefined>>()

  beforeAll(async () => {
    await inParallel(plants, availableParallelism(), async ({ name }) => {
      const search = findPlant(name)
      searches.set(name, search)
      await search.catch(() => {})
    })
  }, 2_400_000)

  test.for(plants)('$name', async ({ name }) => {
    expect(await searches.get(name)).toBeDefined()
  })
})
