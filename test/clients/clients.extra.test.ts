/** Each client's cases as tests, so that they count. The programs run while the tests are collected. */
import { describe, expect, test } from 'vitest'
import { STORE_NAMES } from './stores.ts'
import { runSuite } from './suite.ts'

for (const stores of STORE_NAMES) {
  const results = await runSuite({ stores, clients: [], cases: [], parallel: 2 }, () => {})
  for (const { client, skipped, cases } of results) {
    describe(`${client}, ${stores}`, () => {
      if (skipped !== undefined) {
        console.log(`SKIPPED ${client}, ${stores}: ${skipped}`)
        test.skipIf(process.env.CI !== 'true')('can be run here', () => expect.fail(skipped))
      }
      for (const { name, failure } of cases) test(name, () => expect(failure).toBeUndefined())
    })
  }
}
