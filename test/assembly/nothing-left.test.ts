/** When everything was deleted and its time is over, upkeep leaves the bucket and the table as they were: told by listing them. */
import { expect, test } from 'vitest'
import { openUpkeep } from '../../lib/assembly/open-upkeep.ts'
import { type Clock, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { StoredConfigs } from '../../lib/configs/index.ts'
import { Ingest } from '../../lib/ingest/index.ts'
import type { Topic } from '../../lib/log/index.ts'
import { ApiKeys, readScope } from '../../lib/security/index.ts'
import { ShareGroups } from '../../lib/share/index.ts'
import { Transactions } from '../../lib/transactions/index.ts'
import { aHeartbeat } from '../groups/support/consumer-engine.ts'
import { bodyOf, type HttpRig, openHttpRig } from '../http/rig.ts'
import { delivery, numbered } from '../ingest/sandboxes.ts'
import { memoryFiles } from '../support/memory-files.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'
import { openSubscriptions } from '../support/subscriptions.ts'
import { type Process, TestProducer } from '../transactions/rig.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** What belongs to the installation, and does not grow. */
const KEPT = /^(lifetimes#[0-9a-f]{2}\/ended|pid\/next|sweep\/(state|whole-look)|ingest\/[0-9a-f]{16})$/

const upkeepConfig = {
  background: false,
  retentionIntervalMs: 1_000,
  sweepIntervalMs: 1_000,
  graceMs: 2 * HOUR,
  offsetsRetentionMs: 7 * DAY,
  transactionalIdExpirationMs: 7 * DAY,
}

function openWorld() {
  let ahead = 0
  const clock: Clock = { ...bound(systemClock), now: () => systemClock.now() + ahead }
  const items = memoryItems()
  const objects = memoryObjects()
  const rig = openHttpRig({ clock }, items, objects)
  const { log, groups } = rig
  const common = { items, objects, clock, random: systemRandom, logger: silentLogger }
  const configs = new StoredConfigs(common)
  const shares = new ShareGroups({ ...common, log, configs })
  const transactions = new Transactions({ ...common, log, groups })
  /** Passes of upkeep, as a schedule has them, until there is nothing to do. */
  const keepUp = async () => {
    for (let pass = 0; pass < 10; pass++) {
      const upkeep = openUpkeep({ ...common, log, archives: memoryFiles() }, upkeepConfig, {
        owner: 'test',
        shortLived: true,
      })
      const { findings, failed, complete } = await upkeep.runOnce({ withinMs: 60_000 })
      await upkeep.close()
      expect(failed).toEqual([])
      expect(complete).toBe(true)
      if (findings === 0) return
    }
    throw new Error('upkeep comes to no end')
  }
  const pass = (ms: number) => {
    ahead += ms
  }
  const listed = () => ({
    items: [...items.items.values()].map(({ key }) => `${key.pk}/${key.sk}`).sort(),
    objects: [...objects.blobs.keys()].sort(),
  })
  return { ...rig, ...common, configs, shares, transactions, keepUp, pass, listed }
}

function bound({ monotonic, sleep, now }: Clock): Clock {
  return { monotonic: monotonic.bind(systemClock), sleep: sleep.bind(systemClock), now: now.bind(systemClock) }
}

type World = ReturnType<typeof openWorld>

test('nothing is left of what was deleted or has expired', async () => {
  const world = openWorld()
  const topics = await makeEverything(world)
  const made = world.listed()
  for (const prefix of [
    'txn#',
    'transactions/',
    'group#',
    'groups/',
    'idem#',
    'rest#',
    'rest/',
    'ingest#',
    'configs#',
    'topics/',
    'keys/',
    'push/',
    'push#',
  ])
    expect(
      made.items.filter(key => key.startsWith(prefix)),
      prefix,
    ).not.toEqual([])
  world.pass(2 * HOUR)
  await world.keepUp()
  expect(
    world.listed().objects.filter(key => key.startsWith('topics/')),
    'extents',
  ).not.toEqual([])
  await deleteEverything(world, topics)
  world.pass(8 * DAY)
  await world.keepUp()
  const left = world.listed()
  expect(left.objects).toEqual([])
  expect(left.items.filter(key => !KEPT.test(key))).toEqual([])
  // And nothing more is written.
  const before = world.listed()
  world.pass(30 * DAY)
  await world.keepUp()
  expect(world.listed()).toEqual(before)
})

async function makeEverything(world: World): Promise<Topic[]> {
  const { log, groups, shares, transactions, configs } = world
  const plain = await log.topics.create({ name: 'plain', partitions: 3 })
  const compacted = await log.topics.create({
    name: 'compacted',
    partitions: 1,
    configs: { 'cleanup.policy': 'compact' },
  })
  const brief = await log.topics.create({ name: 'brief', partitions: 1, configs: { 'retention.bytes': '100' } })
  for (let n = 0; n < 30; n++) await produce(world, n)
  await commitOffsets(world, 'alone', plain)
  await consume(world, plain)
  await share(world, plain)
  await transact(world, plain)
  await groups.commitOffsets({ ...nobody('in-compacted'), offsets: [offsetIn(compacted)] })
  await configs.change('group', 'configured', () => ({ 'consumer.session.timeout.ms': '50000' }))
  await ingest(world)
  await world.send('POST', '/v1/topics/brief/records', [{ value: 'once' }], { 'idempotency-key': 'k1' })
  await bodyOf(await world.send('POST', '/consumers/rest', { format: 'json' }, v2))
  const expired = { name: 'expired', scopes: [readScope('consume')], expiresAt: world.clock.now() + HOUR }
  await new ApiKeys(world).create(expired)
  const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
  await openSubscriptions(world).create({
    name: 'web',
    topic: 'plain',
    target: { kind: 'webhook', url: 'https://receiver.example/', secret },
    from: 'latest',
  })
  void shares
  void transactions
  return [plain, compacted, brief]
}

const v2 = { 'content-type': 'application/vnd.kafka.v2+json' }

async function produce(world: World, n: number): Promise<void> {
  const big = 'x'.repeat(n % 3 === 0 ? 6_000 : 10)
  for (const topic of ['plain', 'compacted', 'brief']) {
    const records = [{ key: `k${n % 4}`, value: big }]
    const response = await world.send('POST', `/v1/topics/${topic}/records`, records)
    expect(response.status).toBeLessThan(300)
  }
}

function nobody(groupId: string) {
  return { groupId, memberId: '', instanceId: undefined, generation: -1 }
}

function offsetIn(topic: Topic, offset = 3) {
  return { topicId: topic.id, partition: 0, offset, leaderEpoch: -1, metadata: '' }
}

async function commitOffsets({ groups }: World, groupId: string, topic: Topic): Promise<void> {
  const results = await groups.commitOffsets({ ...nobody(groupId), offsets: [offsetIn(topic)] })
  expect(results.map(({ error }) => error)).toEqual([undefined])
}

/** A member of the consumer protocol that comes, commits and leaves; one of streams. */
async function consume({ groups }: World, topic: Topic): Promise<void> {
  const heartbeat = { ...aHeartbeat, groupId: 'consumers', memberId: 'm' }
  const joining = { ...heartbeat, epoch: 0, topicNames: [topic.name], owned: new Map(), rebalanceTimeoutMs: 60_000 }
  const { epoch } = await groups.consumerHeartbeat(joining)
  const who = { groupId: 'consumers', memberId: 'm', instanceId: undefined, generation: epoch }
  await groups.commitOffsets({ ...who, offsets: [offsetIn(topic)] })
  await groups.consumerHeartbeat({ ...heartbeat, epoch: -1 })
  const nothing = new Map<string, number[]>()
  const member = {
    ...{ groupId: 'streams', memberId: 's', instanceId: undefined, epoch: 0, endpointEpoch: 0, clientId: 'c' },
    ...{ clientHost: '/127.0.0.1', rackId: undefined, rebalanceTimeoutMs: 60_000, processId: 'p', tags: [] },
    topology: {
      epoch: 0,
      subtopologies: [
        {
          ...{ id: '0', sourceTopics: [topic.name], sourceRegexes: [], changelogTopics: [], repartitionSinkTopics: [] },
          ...{ repartitionSourceTopics: [], copartitionGroups: [] },
        },
      ],
    },
    owned: { active: nothing, standby: nothing, warmup: nothing },
    ...{ endpoint: undefined, shutsDown: false },
  }
  await groups.streamsHeartbeat(member)
  await groups.streamsHeartbeat({
    ...member,
    epoch: -1,
    topology: undefined,
    rebalanceTimeoutMs: undefined,
    owned: undefined,
  })
}

async function share({ shares }: World, topic: Topic): Promise<void> {
  const consumer = { groupId: 'sharers', memberId: 'm' }
  const member = { ...consumer, rackId: undefined, clientId: 'c', clientHost: '/127.0.0.1', topicNames: [topic.name] }
  await shares.heartbeat({ ...member, epoch: 0 })
  const limits = { session: 1, recordsMax: 2, bytesMax: 1_000, strict: false, signal: new AbortController().signal }
  await shares.records.acquire({ ...consumer, topic, partition: 0, ...limits })
  await shares.heartbeat({ ...member, epoch: -1 })
  // One that never read anything expires by itself.
  await shares.heartbeat({ ...member, groupId: 'idle-sharers', epoch: 0 })
  await shares.heartbeat({ ...member, groupId: 'idle-sharers', epoch: -1 })
}

async function transact({ log, groups, transactions }: World, topic: Topic): Promise<void> {
  const process = { log, groups, transactions } as Process
  for (const outcome of ['commit', 'abort'] as const) {
    const producer = new TestProducer({ id: `id-${outcome}` })
    await producer.init(process)
    await producer.send(process, topic, 0, outcome)
    await producer.stage(process, topic, 1, { groupId: 'transacted' })
    await producer.end(process, outcome)
  }
}

async function ingest({ log, items, clock, random, logger }: World): Promise<void> {
  const taker = new Ingest({ log, items, clock, random, logger, topic: 'plain' })
  expect(await taker.take(delivery(numbered(20)), 20_000)).toEqual([])
}

/** What users delete; groups and transactional ids go by themselves. */
async function deleteEverything({ send, shares, configs }: World & HttpRig, topics: readonly Topic[]): Promise<void> {
  for (const { name } of topics) expect((await send('DELETE', `/v1/topics/${name}`)).status).toBe(204)
  await shares.delete('sharers')
  await configs.change('group', 'configured', () => ({}))
}
