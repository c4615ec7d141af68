import { expect, test } from 'vitest'
import { measureRequests } from './growth.ts'

test.for([100_000, 1_000_000])(
  '%i segments cost an append or a fetch as little as ten',
  { timeout: 600_000 },
  async segments => {
    expect(await measureRequests(segments)).toEqual(await measureRequests(10))
  },
)
