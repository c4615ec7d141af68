/** Changes of a topic's configs: they survive, are known everywhere in a bounded time, and no race loses one. */
import { expect, test } from 'vitest'
import { drain, gate, lost, openRig, stateOf } from './rig.ts'

const set = (name: string, value: string) => (configs: Readonly<Record<string, string>>) => ({
  ...configs,
  [name]: value,
})

test('another process goes by a change three seconds later', async () => {
  const { open, clock } = openRig()
  const [one, other] = [open(), open()]
  await one.topics.create({ name: 't', partitions: 1 })
  expect((await other.topics.find({ name: 't' }))?.configs).toEqual({})
  await one.topics.changeConfigs('t', set('retention.ms', '5'))
  expect((await one.topics.find({ name: 't' }))?.configs).toEqual({ 'retention.ms': '5' })
  await clock.passUntil(clock.sleep(3_000))
  expect((await other.topics.find({ name: 't' }))?.configs).toEqual({ 'retention.ms': '5' })
  expect((await open().topics.find({ name: 't' }))?.configs).toEqual({ 'retention.ms': '5' })
})

test('changes and new partitions at the same time all count', async () => {
  const { open } = openRig()
  await open().topics.create({ name: 't', partitions: 1 })
  const names = ['retention.ms', 'segment.ms', 'flush.ms', 'file.delete.delay.ms']
  await Promise.all([
    ...names.map(name => open().topics.changeConfigs('t', set(name, '7'))),
    open().topics.addPartitions('t', 20),
  ])
  const topic = await open().topics.find({ name: 't' })
  expect(Object.keys(topic!.configs).sort()).toEqual(names.sort())
  expect(topic!.partitions).toBe(20)
})

test('a change whose answer is lost is made', async () => {
  const { open, hooks } = openRig()
  const log = open()
  await log.topics.create({ name: 't', partitions: 1 })
  let writes = 0
  hooks.write = async (operations, next) => {
    const outcome = await next(operations)
    if (writes++ === 0) throw lost()
    return outcome
  }
  await log.topics.changeConfigs('t', set('retention.ms', '5'))
  expect((await open().topics.find({ name: 't' }))?.configs).toEqual({ 'retention.ms': '5' })
})

test('a change that meets a deletion does not bring the topic back', async () => {
  const { open, items, hooks } = openRig()
  const [changer, deleter] = [open(), open()]
  const topic = await changer.topics.create({ name: 't', partitions: 1 })
  const held = gate()
  let holds = true
  hooks.write = async (operations, next) => {
    if (holds && operations.some(({ key }) => key.sk === 'topic')) {
      holds = false
      await held.promise
    }
    return next(operations)
  }
  const changed = changer.topics.changeConfigs('t', set('retention.ms', '5'))
  changed.catch(() => undefined)
  await drain()
  await deleter.topics.delete('t')
  held.resolve()
  expect(await stateOf(changed)).toEqual({ refused: 'UNKNOWN_TOPIC' })
  expect([...items.items.keys()].filter(key => key.includes(topic.id))).toEqual([])
})

test('what is refused, or only to be checked, changes nothing', async () => {
  const { open } = openRig()
  const log = open()
  await log.topics.create({ name: 't', partitions: 1, configs: { 'segment.ms': '9' } })
  await expect(log.topics.changeConfigs('t', set('retention.ms', 'x'))).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
  })
  await expect(log.topics.changeConfigs('nope', set('retention.ms', '5'))).rejects.toMatchObject({
    code: 'UNKNOWN_TOPIC',
  })
  await log.topics.changeConfigs('t', set('retention.ms', '5'), { validateOnly: true })
  expect((await open().topics.find({ name: 't' }))?.configs).toEqual({ 'segment.ms': '9' })
})
