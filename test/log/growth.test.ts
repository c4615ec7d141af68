import { expect, test } from 'vitest'
import { measureRequests } from './growth.ts'

test('appends and fetches ask the stores for as little in a long log as in a short one', {
  timeout: 300_000,
}, async () => {
  const short = await measureRequests(10)
  expect(short.append).toEqual({ items: 1, objects: 0 })
  for (const segments of [1_000, 3_000]) expect(await measureRequests(segments)).toEqual(short)
})
