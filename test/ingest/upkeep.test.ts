import { expect, test } from 'vitest'
import { systemClock } from '../../lib/base/index.ts'
import { forgetOldClaims } from '../../lib/ingest/index.ts'
import { delivery, numbered, openWorld } from './sandboxes.ts'

const DAY_MS = 24 * 3_600_000

test('claims are kept for two days, and then leave nothing behind', async () => {
  const { items, sandbox, contents } = await openWorld()
  const isClaim = () => [...items.items.values()].filter(({ key }) => key.pk.startsWith('ingest')).length
  await sandbox().ingest.take(delivery(numbered(40)), 20_000)
  expect(isClaim()).toBeGreaterThan(2)
  const after = (ms: number) => ({ items, clock: { ...systemClock, now: () => Date.now() + ms } })
  expect(await forgetOldClaims(after(DAY_MS))).toBe(0)
  expect(await sandbox().ingest.take(delivery(numbered(40)), 20_000)).toEqual([])
  expect(await contents()).toHaveLength(40)
  expect(await forgetOldClaims(after(3 * DAY_MS))).toBeGreaterThan(0)
  // The source itself is remembered.
  expect(isClaim()).toBe(1)
})
