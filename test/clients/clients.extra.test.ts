/** Each client's cases as tests, so that they count. The programs run while the tests are collected. */
import { describe, expect, test } from 'vitest'
import { STORE_NAMES, type StoresName } from './stores.ts'
import { type ClientResult, runSuite } from './suite.ts'

for (const stores of STORE_NAMES) {
  const results = await runSuite({ stores, clients: [], cases: [], parallel: 2 }, () => {})
  for (const result of results) {
    const { client, skipped } = result
    const cases = await runAgain(stores, result)
    describe(`${client}, ${stores}`, () => {
      if (skipped !== undefined) {
        console.log(`SKIPPED ${client}, ${stores}: ${skipped}`)
        test.skipIf(process.env.CI !== 'true')('can be run here', () => expect.fail(skipped))
      }
      for (const { name, failure } of cases) test(name, () => expect(failure).toBeUndefined())
    })
  }
}

/**
 * Cases that failed get one more run, with nothing beside them: the programs judge by their clients' clocks, and two of them share the
 * machine. That one failed first is told.
 */
async function runAgain(stores: StoresName, { client, cases }: ClientResult): Promise<ClientResult['cases']> {
  const failed = cases.filter(({ failure }) => failure !== undefined)
  if (failed.length === 0) return cases
  for (const { name, failure } of failed) console.log(`FAILED AT FIRST ${client}, ${stores}, ${name}: ${failure}`)
  const names = failed.map(({ name }) => name)
  const [again] = await runSuite({ stores, clients: [client], cases: names, parallel: 1 }, () => {})
  return cases.map(one => again?.cases.find(({ name }) => name === one.name) ?? one)
}
