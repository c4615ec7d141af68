import { expect, test } from 'vitest'
import { readmeWithApiTable } from '../support/api-table.ts'

test('the README tells which APIs are served; if not: node test/support/api-table.ts', async () => {
  const { current, wanted } = await readmeWithApiTable()
  expect(current).toBe(wanted)
})
