import { afterEach, describe, expect, test } from 'vitest'
import { type Delivery, PushError } from '../../lib/push/index.ts'
import { delivered, hook, openPushRig, type PushRig, type Receive, valuesOf } from './rig.ts'

const rigs: PushRig[] = []
const open = (receive: Receive = () => delivered, of?: PushRig, bodyBytesMax?: number) => {
  const rig = openPushRig(receive, of, bodyBytesMax)
  rigs.push(rig)
  return rig
}
const failed = (reason = 'no'): Delivery => ({ outcome: 'failed', reason })
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => ({ n: from + n }))

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close()
})

describe('records are sent on', () => {
  test('in the order of each partition, in deliveries of the size asked for, each once', async () => {
    const rig = open()
    const topic = await rig.topic('t', 2)
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest', policy: { recordsMax: 4 } })
    for (const partition of [0, 1]) await rig.produce(topic, numbers(0, 10), { partition })
    await rig.push()
    await rig.push()
    for (const partition of [0, 1]) {
      const sent = valuesOf(rig.deliveries.filter(batch => batch.partition === partition))
      expect(sent.map(values => values.length)).toEqual([4, 4, 2])
      expect(sent.flat()).toEqual(numbers(0, 10))
    }
  })

  test('with where they are from, as JSON', async () => {
    const rig = open()
    const topic = await rig.topic('t')
    await rig.produce(topic, [{ n: 0 }, { n: 1 }])
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    await rig.push()
    expect(JSON.parse(rig.deliveries[0]!.body)).toMatchObject({
      ...{ subscription: 's', topic: 't', partition: 0, firstOffset: 0, lastOffset: 1 },
      records: [
        { offset: 0, key: 'k', value: { n: 0 } },
        { offset: 1, key: 'k', value: { n: 1 } },
      ],
    })
  })

  test('in as many calls as the receiver needs, each with what it takes; a record that it cannot take goes alone', async () => {
    const rig = open(undefined, undefined, 2_000)
    const topic = await rig.topic('t')
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    const values = [...Array(30).keys()].map(n => (n === 20 ? 'x'.repeat(5_000) : `${n} ${'\u0001ü'.repeat(20 + n)}`))
    await rig.produce(topic, values)
    await rig.push()
    expect(valuesOf(rig.deliveries).flat()).toEqual(values)
    const sizes = rig.deliveries.map(({ body, records }) => [Buffer.byteLength(body), records.length] as const)
    for (const [bytes, records] of sizes) if (records > 1) expect(bytes).toBeLessThanOrEqual(2_000)
    expect(sizes.filter(([bytes]) => bytes > 2_000)).toHaveLength(1)
    // As few calls as that allows: what comes next would not have had room.
    for (const [index, { body, lines }] of rig.deliveries.entries()) {
      const next = rig.deliveries[index + 1]?.lines[0]
      if (next && lines.length > 0) expect(Buffer.byteLength(body) + Buffer.byteLength(next)).toBeGreaterThan(1_900)
    }
  })

  test('from what comes next, unless told otherwise', async () => {
    const rig = open()
    const topic = await rig.topic('t')
    await rig.produce(topic, ['before'])
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook })
    await rig.produce(topic, ['after'])
    await rig.push()
    expect(valuesOf(rig.deliveries)).toEqual([['after']])
  })

  test('by a process that goes on where another ended', async () => {
    const first = open()
    const topic = await first.topic('t')
    await first.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    await first.produce(topic, ['a'])
    await first.push()
    const second = open(() => delivered, first)
    await first.produce(topic, ['b'])
    await second.push()
    expect(valuesOf(second.deliveries)).toEqual([['b']])
  })

  test('as they come, by a process that stays', async () => {
    const arrived = Promise.withResolvers<void>()
    const rig = open(batch => {
      if (valuesOf([batch]).flat().includes('last')) arrived.resolve()
      return delivered
    })
    const topic = await rig.topic('t')
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    rig.pusher.start()
    await rig.produce(topic, ['first'])
    await rig.produce(topic, ['last'])
    await arrived.promise
    expect(valuesOf(rig.deliveries).flat()).toEqual(['first', 'last'])
  })

  test('only those that a pattern matches; the others are passed over for good', async () => {
    const rig = open()
    const topic = await rig.topic('t')
    const patterns = [{ value: { kind: ['order'], price: [{ numeric: ['>', 10] }] } }]
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest', patterns })
    await rig.produce(topic, [{ kind: 'order', price: 5 }, { kind: 'order', price: 50 }, { kind: 'visit' }])
    await rig.push()
    expect(valuesOf(rig.deliveries)).toEqual([[{ kind: 'order', price: 50 }]])
    const [progress] = await rig.subscriptions.progress((await rig.subscriptions.get('s')).subscription)
    expect(progress).toMatchObject({ offset: 3, lag: 0 })
  })

  test('not by one that is paused; by one that goes on', async () => {
    const rig = open()
    const topic = await rig.topic('t')
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook })
    await rig.subscriptions.setState('s', 'paused')
    await rig.produce(topic, ['a'])
    await rig.push()
    expect(rig.deliveries).toEqual([])
    await rig.subscriptions.setState('s', 'active')
    await rig.push()
    expect(valuesOf(rig.deliveries)).toEqual([['a']])
  })
})

describe('what fails', () => {
  test('is sent again until it is taken', async () => {
    const rig = open((_, attempt) => (attempt < 3 ? failed() : delivered))
    const topic = await rig.topic('t')
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    await rig.produce(topic, ['a', 'b'])
    await rig.push()
    expect(valuesOf(rig.deliveries)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  test('is sent again from the record that was refused', async () => {
    const rig = open((_, attempt) => (attempt === 1 ? { outcome: 'failed', reason: 'no', from: 2 } : delivered))
    const topic = await rig.topic('t')
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    await rig.produce(topic, numbers(0, 4))
    await rig.push()
    expect(valuesOf(rig.deliveries)).toEqual([numbers(0, 4), numbers(2, 4)])
  })

  test('is halved until the bad record is alone, which goes to the dead letters; the others arrive', async () => {
    const isBad = (value: unknown) => (value as { n: number }).n === 5
    const rig = open(batch => (valuesOf([batch]).flat().some(isBad) ? failed('bad record') : delivered))
    const topic = await rig.topic('t')
    const dead = await rig.topic('dead')
    const policy = { attemptsMax: 1, deadLetterTopic: 'dead' }
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest', policy })
    await rig.produce(topic, numbers(0, 8))
    await rig.push()
    const taken = valuesOf(rig.deliveries.filter(batch => !valuesOf([batch]).flat().some(isBad))).flat()
    expect(taken).toEqual(numbers(0, 8).filter(value => !isBad(value)))
    expect(await rig.values(dead)).toEqual([{ n: 5 }])
  })

  test('keeps its count of failures when another process goes on', async () => {
    const first = open(() => failed())
    const topic = await first.topic('t')
    await first.topic('dead')
    const policy = { attemptsMax: 2, deadLetterTopic: 'dead' }
    await first.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest', policy })
    await first.produce(topic, ['a'])
    await first.push(100)
    expect(first.deliveries).toHaveLength(1)
    const second = open(() => failed(), first)
    await second.push()
    expect(second.deliveries).toHaveLength(1)
    const [progress] = await first.subscriptions.progress((await first.subscriptions.get('s')).subscription)
    expect(progress).toMatchObject({ offset: 1, lag: 0 })
  })

  test('waits where the dead letters cannot be stored', async () => {
    const rig = open(() => failed())
    const topic = await rig.topic('t')
    await rig.topic('dead')
    const policy = { attemptsMax: 1, deadLetterTopic: 'dead' }
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest', policy })
    await rig.produce(topic, ['a'])
    await rig.deleteTopic('dead')
    await rig.push(100)
    const [progress] = await rig.subscriptions.progress((await rig.subscriptions.get('s')).subscription)
    expect(progress).toMatchObject({ offset: 0, lag: 1, failures: 1, reason: 'no' })
  })
})

describe('two processes that both deliver', () => {
  test('move the checkpoint once: the second stops', async () => {
    const meet = Promise.withResolvers<void>()
    let first: PushRig
    const slow: Receive = async () => {
      // The other takes over as if the lease had run out meanwhile.
      await first.items.write([
        { kind: 'delete', key: { pk: `lease#${lease}`, sk: 'lease' }, expected: await leaseVersion() },
      ])
      const second = open(() => delivered, first)
      await second.push()
      expect(valuesOf(second.deliveries)).toEqual([['a']])
      meet.resolve()
      return failed('too late')
    }
    first = open(slow)
    const topic = await first.topic('t')
    const { id } = await first.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    const lease = `push#${id}#0`
    const leaseVersion = async () => (await first.items.get({ pk: `lease#${lease}`, sk: 'lease' }))!.version
    await first.produce(topic, ['a'])
    await first.push()
    await meet.promise
    const [progress] = await first.subscriptions.progress((await first.subscriptions.get('s')).subscription)
    expect(progress).toMatchObject({ offset: 1, failures: 0 })
  })
})

describe('a round', () => {
  test('of some shards sends what is in them, and says how much of it was sent', async () => {
    const rig = open()
    const [first, second] = [await rig.topic('first', 20), await rig.topic('second')]
    for (const topic of ['first', 'second']) {
      await rig.subscriptions.create({ name: `of-${topic}`, topic, target: hook, from: 'earliest' })
    }
    await rig.produce(first, ['low'], { partition: 3 })
    await rig.produce(first, ['high'], { partition: 17 })
    await rig.produce(second, ['other'])
    expect(await rig.push(20_000, new Map([[first.id, new Set([1])]]))).toEqual({ behind: 1, done: 1 })
    expect(valuesOf(rig.deliveries)).toEqual([['high']])
    expect(await rig.push()).toEqual({ behind: 2, done: 2 })
    expect(await rig.push()).toEqual({ behind: 0, done: 0 })
  })

  test('leaves what its time is too short for, and says so', async () => {
    const rig = open(() => failed())
    const topic = await rig.topic('t')
    await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    await rig.produce(topic, ['a'])
    expect(await rig.push(100)).toEqual({ behind: 1, done: 0 })
  })

  test('sends what came after another process had looked for the last time', async () => {
    const looked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const first = open()
    const second = open(() => delivered, first)
    const topic = await first.topic('t')
    const { id } = await first.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    await first.produce(topic, ['a'])
    // The first one has sent everything, and still has the lease.
    const { write } = first.items
    const giveBack = first.items as { write: typeof write }
    giveBack.write = async operations => {
      if (operations[0]!.kind === 'delete' && operations[0]!.key.pk === `lease#push#${id}#0`) {
        giveBack.write = write
        looked.resolve()
        await goOn.promise
      }
      return write(operations)
    }
    const sending = first.push()
    await looked.promise
    await second.produce(topic, ['b'])
    const round = second.push()
    await new Promise(resolve => setImmediate(resolve))
    goOn.resolve()
    await sending
    expect(await round).toEqual({ behind: 1, done: 1 })
    expect(valuesOf(second.deliveries)).toEqual([['b']])
  })

  test('is not ended by what one partition meets', async () => {
    const rig = open()
    const topic = await rig.topic('t', 2)
    const { id } = await rig.subscriptions.create({ name: 's', topic: 't', target: hook, from: 'earliest' })
    for (const partition of [0, 1]) await rig.produce(topic, [partition], { partition })
    const key = { pk: `push#${id}`, sk: `${topic.id}#00000000` }
    await rig.items.write([{ kind: 'put', key, expected: 'absent', version: 1, value: Buffer.from([99]) }])
    expect(await rig.push()).toEqual({ behind: 2, done: 1 })
    expect(valuesOf(rig.deliveries)).toEqual([[1]])
  })
})

describe('a subscription', () => {
  const good = { name: 's', topic: 't', target: hook }

  test.for([
    ['a name with a blank', { ...good, name: 'a b' }],
    ['a topic that is not there', { ...good, topic: 'no' }],
    ['its own dead letters', { ...good, policy: { attemptsMax: 1, deadLetterTopic: 't' } }],
    ['dead letters that are not there', { ...good, policy: { attemptsMax: 1, deadLetterTopic: 'no' } }],
    ['dead letters without an end of attempts', { ...good, policy: { deadLetterTopic: 't' } }],
    ['deliveries of no records', { ...good, policy: { recordsMax: 0 } }],
    ['a pattern of nothing', { ...good, patterns: [{}] }],
  ] as const)('with %s is refused, and nothing is made', async ([, wanted]) => {
    const rig = open()
    await rig.topic('t')
    await expect(rig.subscriptions.create(wanted)).rejects.toMatchObject({ code: 'INVALID_SUBSCRIPTION' })
    expect(await rig.subscriptions.list()).toEqual([])
  })

  test('is made once under a name', async () => {
    const rig = open()
    await rig.topic('t')
    await rig.subscriptions.create(good)
    await expect(rig.subscriptions.create(good)).rejects.toThrow(PushError)
  })

  test('that is deleted leaves nothing, and made anew begins anew', async () => {
    const rig = open()
    const topic = await rig.topic('t')
    await rig.produce(topic, ['a'])
    const { id } = await rig.subscriptions.create({ ...good, from: 'earliest' })
    await rig.push()
    await rig.subscriptions.delete('s')
    expect((await rig.items.query('push')).items).toEqual([])
    expect((await rig.items.query(`push#${id}`)).items).toEqual([])
    await rig.subscriptions.create({ ...good, from: 'earliest' })
    await rig.push()
    expect(valuesOf(rig.deliveries)).toEqual([['a'], ['a']])
  })

  test('that is deleted during a delivery gets no checkpoint', async () => {
    const rig: PushRig = open(async () => {
      await rig.subscriptions.delete('s')
      return delivered
    })
    const topic = await rig.topic('t')
    await rig.produce(topic, ['a'])
    const { id } = await rig.subscriptions.create({ ...good, from: 'earliest' })
    await rig.push()
    expect(rig.deliveries).toHaveLength(1)
    expect((await rig.items.query(`push#${id}`)).items).toEqual([])
  })

  test('that is deleted is not sent to from the beginning by a process that has not noticed', async () => {
    const deleted = Promise.withResolvers<void>()
    const rig: PushRig = open(async batch => {
      if (!valuesOf([batch]).flat().includes('last')) return delivered
      await rig.subscriptions.delete('s')
      deleted.resolve()
      return delivered
    })
    const topic = await rig.topic('t')
    await rig.produce(topic, ['first'])
    await rig.subscriptions.create({ ...good, from: 'earliest' })
    await rig.push()
    await rig.produce(topic, ['last'])
    rig.pusher.start()
    await deleted.promise
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(valuesOf(rig.deliveries)).toEqual([['first'], ['last']])
  })
})
