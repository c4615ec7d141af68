import { describe, expect, test } from 'vitest'
import { plants } from './index.ts'
import { findPlant } from './search.ts'

describe('a planted bug is found:', () => {
  test.for(plants)('$name', { timeout: 300_000 }, async ({ name }) => {
    expect(await findPlant(name)).toBeDefined()
  })
})
