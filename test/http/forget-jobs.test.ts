/** Upkeep of API keys and subscriptions: what has ended goes, what lives stays. */
import { expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import { httpUpkeepJobs } from '../../lib/http/index.ts'
import { forgetSubscriptionsJob } from '../../lib/push/index.ts'
import { ApiKeys, readScope } from '../../lib/security/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openSubscriptions } from '../support/subscriptions.ts'
import { runJob } from '../support/upkeep-pass.ts'
import { openHttpRig } from './rig.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const target = {
  kind: 'webhook',
  url: 'https://receiver.example/',
  secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
} as const

test('an API key goes a week after its time, and no other does', async () => {
  const clock = new ManualClock()
  const { items } = openHttpRig({ clock })
  const keys = new ApiKeys({ items, clock, random: systemRandom })
  const scopes = [readScope('consume')]
  for (const [name, days] of [
    ['soon', 1],
    ['later', 5],
    ['never', undefined],
  ] as const) {
    await keys.create({ name, scopes, expiresAt: days && clock.now() + days * DAY })
  }
  const job = httpUpkeepJobs({ items, clock }).find(({ name }) => name === 'forget-keys')!
  const names = async () => (await keys.list()).map(({ name }) => name).sort()
  await clock.advance(7 * DAY)
  expect(await runJob(job)).toEqual([])
  await clock.advance(1 * DAY + 1)
  expect(await runJob(job, { dry: true })).toHaveLength(1)
  expect(await names()).toEqual(['later', 'never', 'soon'])
  expect(await runJob(job)).toHaveLength(1)
  expect(await names()).toEqual(['later', 'never'])
  expect(await runJob(job)).toEqual([])
})

test('a subscription goes with its topic, though there be another topic of its name', async () => {
  const clock = new ManualClock()
  const { items, log } = openHttpRig({ clock })
  const parts = { items, log, clock, random: systemRandom }
  const subscriptions = openSubscriptions(parts)
  for (const topic of ['gone', 'kept']) {
    await log.topics.create({ name: topic, partitions: 2 })
    await subscriptions.create({ name: `of-${topic}`, topic, target, from: 'latest' })
  }
  const job = forgetSubscriptionsJob(parts)
  expect(await runJob(job)).toEqual([])
  await log.topics.delete('gone')
  await log.topics.create({ name: 'gone', partitions: 2 })
  const names = async () => (await subscriptions.list()).map(({ subscription }) => subscription.name)
  expect(await runJob(job, { dry: true })).toHaveLength(1)
  expect(await names()).toEqual(['of-gone', 'of-kept'])
  expect(await runJob(job)).toMatchObject([{ what: 'subscription of-gone', why: 'its topic gone was deleted' }])
  expect(await names()).toEqual(['of-kept'])
  expect([...items.items.values()].filter(({ key }) => key.pk.startsWith('push#'))).toHaveLength(2)
  expect(await runJob(job)).toEqual([])
})

test('who takes a name over keeps it', async () => {
  const { items, log } = openHttpRig()
  const subscriptions = openSubscriptions({ items, log, clock: new ManualClock(), random: systemRandom })
  await log.topics.create({ name: 't', partitions: 1 })
  const first = await subscriptions.create({ name: 's', topic: 't', target })
  await subscriptions.delete('s')
  await subscriptions.deleteIfThere(first)
  await subscriptions.create({ name: 's', topic: 't', target })
  await subscriptions.deleteIfThere(first)
  expect(await subscriptions.list()).toHaveLength(1)
})
