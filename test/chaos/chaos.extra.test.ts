import { describe, expect, test } from 'vitest'
import { cloudStores } from '../support/cloud-stores.ts'
import { describeWith } from '../support/requirement.ts'
import type { EnvironmentName } from './environments.ts'
import { runChaos } from './run.ts'

/** Of crashes, for each environment; then all must come to rest. */
const FOR_MS = 40_000
const TIMEOUT_MS = 240_000

describe('two gateways on one disk', () => {
  test('survive what befalls them', { timeout: TIMEOUT_MS }, () => survive('embedded'))
})

describeWith(cloudStores, 'two gateways over S3 and DynamoDB', () => {
  test('survive what befalls them', { timeout: TIMEOUT_MS }, () => survive('cloud'))
})

async function survive(environment: EnvironmentName): Promise<void> {
  const seed = Date.now() % 1_000_000_000
  console.log(`chaos on ${environment} with seed ${seed}`)
  const { violations, output, counters } = await runChaos({ environment, seed, forMs: FOR_MS })
  if (violations.length > 0) console.error(`the gateways said:\n${output}`)
  expect(violations.slice(0, 10)).toEqual([])
  expect(counters.get('acked')).toBeGreaterThan(0)
}
