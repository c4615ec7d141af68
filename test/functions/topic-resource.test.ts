/** No change of a template loses records. */
import { expect, test } from 'vitest'
import { applyTopic } from '../../lib/assembly/serverless/topic-resource.ts'
import { openRig } from '../log/rig.ts'

type Event = Parameters<typeof applyTopic>[1]

function request(type: Event['RequestType'], properties: Record<string, unknown>, more: Partial<Event> = {}): Event {
  return {
    RequestType: type,
    ResourceType: 'Custom::VarveTopic',
    ResponseURL: 'http://127.0.0.1',
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'l',
    ResourceProperties: properties,
    ...more,
  }
}

const orders = { Name: 'orders', Partitions: '2', Configs: { 'retention.ms': '1000' } }

test('a topic is made, grows, gets other configs, and is deleted', async () => {
  const { topics } = openRig().open()
  const made = await applyTopic(topics, request('Create', orders))
  expect(made.data).toMatchObject({ Name: 'orders', Partitions: 2 })
  expect(await topics.list()).toMatchObject([{ name: 'orders', partitions: 2, configs: { 'retention.ms': '1000' } }])
  const PhysicalResourceId = made.physicalId
  const wanted = { Name: 'orders', Partitions: 5, Configs: { 'max.message.bytes': '2000' } }
  const change = { PhysicalResourceId, OldResourceProperties: orders }
  const changed = await applyTopic(topics, request('Update', wanted, change))
  expect(changed.physicalId).toBe(PhysicalResourceId)
  expect((await topics.list())[0]).toMatchObject({
    id: made.data.Id,
    partitions: 5,
    configs: { 'max.message.bytes': '2000' },
  })
  await applyTopic(topics, request('Delete', wanted, { PhysicalResourceId }))
  expect(await topics.list()).toEqual([])
  // CloudFormation asks again where it had no answer.
  await applyTopic(topics, request('Delete', wanted, { PhysicalResourceId }))
})

test('a topic that was there is adopted, and outlives the stack', async () => {
  const { topics } = openRig().open()
  const { id } = await topics.create({ name: 'orders', partitions: 1, configs: { 'segment.bytes': '2000000' } })
  const adopted = await applyTopic(topics, request('Create', orders))
  expect(adopted.data.Id).toBe(id)
  expect((await topics.list())[0]).toMatchObject({
    id,
    partitions: 2,
    configs: { 'retention.ms': '1000', 'segment.bytes': '2000000' },
  })
  await applyTopic(topics, request('Delete', orders, { PhysicalResourceId: adopted.physicalId }))
  expect(await topics.list()).toHaveLength(1)
})

test.each([
  ['another name', { ...orders, Name: 'sales' }, /keeps its name/],
  ['fewer partitions', { ...orders, Partitions: 1 }, /never taken away/],
  ['a config that is none', { ...orders, Configs: { 'no.such': '1' } }, /no\.such/],
  ['no name', {}, /needs the property Name/],
  ['half a partition', { ...orders, Partitions: '1.5' }, /whole number/],
])('an update to %s is refused, and changes nothing', async (_what, wanted, message) => {
  const { topics } = openRig().open()
  const { physicalId } = await applyTopic(topics, request('Create', orders))
  const before = await topics.list()
  const change = { PhysicalResourceId: physicalId, OldResourceProperties: orders }
  await expect(applyTopic(topics, request('Update', wanted, change))).rejects.toThrow(message)
  expect(await topics.list()).toEqual(before)
})

test('a topic made again under the name is not deleted for the one before', async () => {
  const { topics } = openRig().open()
  const { physicalId } = await applyTopic(topics, request('Create', orders))
  await topics.delete('orders')
  await topics.create({ name: 'orders', partitions: 1 })
  await applyTopic(topics, request('Delete', orders, { PhysicalResourceId: physicalId }))
  expect(await topics.list()).toHaveLength(1)
})

test('a creation that failed deletes nothing when it is rolled back', async () => {
  const { topics } = openRig().open()
  await topics.create({ name: 'orders', partitions: 9 })
  await expect(applyTopic(topics, request('Create', orders))).rejects.toThrow(/never taken away/)
  await applyTopic(topics, request('Delete', orders, { PhysicalResourceId: 'nothing' }))
  expect(await topics.list()).toHaveLength(1)
})
