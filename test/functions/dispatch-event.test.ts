/** What the table's stream tells the dispatch function. */
import { expect, test } from 'vitest'
import { readChanges } from '../../lib/assembly/serverless/dispatch-handler.ts'
import { headKey } from '../../lib/log/head/head.ts'
import { checkpointKey } from '../../lib/push/checkpoint.ts'
import { subscriptionKey } from '../../lib/push/subscription-item.ts'
import type { ItemKey } from '../../lib/storage/index.ts'

const [a, b] = ['a'.repeat(32), 'b'.repeat(32)]
const changes = (...keys: readonly ItemKey[]) => ({
  Records: keys.map(({ pk, sk }) => ({ eventName: 'MODIFY', dynamodb: { Keys: { pk: { S: pk }, sk: { S: sk } } } })),
})

test('the shards whose heads changed', () => {
  const read = readChanges(changes(headKey(a, 0), headKey(b, 12), headKey(a, 1), headKey(a, 0)))
  expect(read).toEqual(
    new Map([
      [a, new Set([0, 1])],
      [b, new Set([12])],
    ]),
  )
})

test('a changed subscription may have anything to send', () => {
  expect(readChanges(changes(headKey(a, 0), subscriptionKey('late')))).toBe('all')
})

test('other items are nothing to it', () => {
  expect(readChanges(changes(checkpointKey(a, b, 0), { pk: `s#${a}#0`, sk: 'c#0000000000001' }))).toEqual(new Map())
})

test('the schedule names nothing', () => {
  expect(readChanges({})).toBeUndefined()
})
