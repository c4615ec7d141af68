/** Subscriptions come, change and go with a stack, and go on where they were. */
import { expect, test } from 'vitest'
import type { FunctionVarve } from '../../lib/assembly/serverless/open-varve.ts'
import type { ResourceRequest } from '../../lib/assembly/serverless/resource-request.ts'
import { applySubscription } from '../../lib/assembly/serverless/subscription-resource.ts'
import { subscriptionsElsewhere } from '../../lib/assembly/serverless/subscriptions-elsewhere.ts'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { openPushRig, valuesOf } from '../push/rig.ts'

const late = { Name: 'late', Topic: 't', Target: { Kind: 'function', Function: 'arn:aws:lambda:x' }, From: 'earliest' }

function open() {
  const rig = openPushRig(() => ({ outcome: 'delivered' }))
  const parts = { subscriptions: rig.subscriptions, random: systemRandom }
  const apply = (type: ResourceRequest['RequestType'], properties: Record<string, unknown>, physicalId?: string) =>
    applySubscription(parts, {
      ...{ RequestType: type, ResourceType: 'Custom::VarveSubscription', ResponseURL: 'http://127.0.0.1' },
      ...{ StackId: 's', RequestId: 'r', LogicalResourceId: 'l', ResourceProperties: properties },
      ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
    })
  const current = async (name = 'late') => (await rig.subscriptions.get(name)).subscription
  return { rig, apply, current }
}

test('one is made as the template says, with numbers as the texts that CloudFormation makes of them', async () => {
  const { rig, apply, current } = open()
  await rig.topic('t')
  await rig.topic('dead')
  const policy = { RecordsMax: '7', WindowMs: '2000', AttemptsMax: '3', DeadLetterTopic: 'dead' }
  const made = await apply('Create', { ...late, ...policy, Patterns: '[{"value":{"delay":[{"numeric":[">",300]}]}}]' })
  const { id, ...rest } = await current()
  expect(made).toEqual({ physicalId: `late/${id}`, data: { Name: 'late', Id: id, Topic: 't' } })
  expect(rest).toMatchObject({
    state: 'active',
    target: { kind: 'function', name: 'arn:aws:lambda:x' },
    patterns: [{ value: { delay: [{ numeric: ['>', 300] }] } }],
    policy: { recordsMax: 7, bytesMax: 1_000_000, windowMs: 2_000, attemptsMax: 3, deadLetterTopic: 'dead' },
  })
  // CloudFormation asks again where it had no answer.
  expect(await apply('Create', { ...late, ...policy })).toEqual(made)
})

test('a change keeps where it is, and a webhook its secret', async () => {
  const { rig, apply, current } = open()
  const topic = await rig.topic('t')
  const webhook = { ...late, Target: { Kind: 'webhook', Url: 'https://a.example' } }
  const { physicalId } = await apply('Create', webhook)
  await rig.produce(topic, ['a'])
  await rig.push()
  const before = await current()
  const changed = await apply(
    'Update',
    { ...webhook, Target: { Kind: 'webhook', Url: 'https://b.example' }, RecordsMax: '5' },
    physicalId,
  )
  expect(changed.physicalId).toBe(physicalId)
  const target = { ...before.target, url: 'https://b.example' }
  expect(await current()).toEqual({ ...before, target, policy: { ...before.policy, recordsMax: 5 } })
  await rig.produce(topic, ['b'])
  await rig.push()
  expect(valuesOf(rig.deliveries)).toEqual([['a'], ['b']])
})

test('another name is another subscription, and the old one is deleted by its id alone', async () => {
  const { rig, apply, current } = open()
  await rig.topic('t')
  const old = await apply('Create', late)
  const renamed = await apply('Update', { ...late, Name: 'later' }, old.physicalId)
  expect(renamed.physicalId).not.toBe(old.physicalId)
  await rig.subscriptions.delete('late')
  await apply('Create', late)
  await apply('Delete', late, old.physicalId)
  expect((await current()).name).toBe('late')
  await apply('Delete', late, renamed.physicalId)
  expect((await rig.subscriptions.list()).map(({ subscription }) => subscription.name)).toEqual(['late'])
  await apply('Delete', late, 'nothing')
})

test.each<[string, Record<string, unknown>, RegExp]>([
  ['another topic', { ...late, Topic: 'other' }, /keeps its topic/],
  ['a topic that is not there', { ...late, Name: 'new', Topic: 'none' }, /none does not exist/],
  ['a target that is none', { ...late, Target: { Kind: 'fax' } }, /no target of kind fax/],
  ['deliveries of no records', { ...late, RecordsMax: '0' }, /recordsMax must be/],
  ['dead letters that are not there', { ...late, AttemptsMax: '1', DeadLetterTopic: 'none' }, /none does not exist/],
  ['a time that is none', { ...late, From: 'soon' }, /From must be/],
  ['no name', {}, /needs the property Name/],
])('with %s it is refused, and nothing changes', async (_what, wanted, message) => {
  const { rig, apply, current } = open()
  await rig.topic('t')
  await rig.topic('other')
  const { physicalId } = await apply('Create', late)
  const before = await current()
  await expect(apply('Update', wanted, physicalId)).rejects.toThrow(message)
  expect(await current()).toEqual(before)
  expect(await rig.subscriptions.list()).toHaveLength(1)
})

test('one whose creation stopped half way is made anew', async () => {
  const { rig, apply, current } = open()
  await rig.topic('t')
  const { id } = await rig.subscriptions.create({ name: 'late', topic: 't', target: { kind: 'function', name: 'f' } })
  const { value, version } = (await rig.items.get({ pk: 'push', sk: 'late' }))!
  const creating = Buffer.from(Buffer.from(value).toString().replace('"state":"active"', '"state":"creating"'))
  const key = { pk: 'push', sk: 'late' }
  await rig.items.write([{ kind: 'put', key, expected: version, version: 7, value: creating }])
  await apply('Create', late)
  expect(await current()).toMatchObject({ state: 'active' })
  expect((await current()).id).not.toBe(id)
})

test('where no function serves subscriptions, none is made', async () => {
  const { rig } = open()
  await rig.topic('t')
  const varve = { items: rig.items, clock: systemClock, random: systemRandom } as unknown as FunctionVarve
  const subscriptions = subscriptionsElsewhere(varve, { served: false })
  const wanted = { name: 's', topic: 't', target: { kind: 'function', name: 'f' } } as const
  await expect(subscriptions.create(wanted)).rejects.toThrow(/deploy the log with `push: true`/)
  expect(await rig.subscriptions.list()).toEqual([])
})
