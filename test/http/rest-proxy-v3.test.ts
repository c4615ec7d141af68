import { expect, test } from 'vitest'
import { ConsumerProtocolAssignment, encodeEmbedded } from '../../lib/protocol/index.ts'
import { bodyOf, type HttpRig, openHttpRig } from './rig.ts'

const at = '/v3/clusters/varve'

/** A member of the classic protocol that gave itself one partition of `t`. */
async function classicMember({ groups }: HttpRig, groupId: string): Promise<string> {
  const common = { groupId, instanceId: 'static', protocolType: 'consumer' }
  const { memberId, generation } = await groups.join({
    ...common,
    memberId: '',
    clientId: 'java',
    clientHost: '/10.0.0.1',
    protocols: [{ name: 'range', metadata: new Uint8Array() }],
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    requiresMemberId: false,
    supportsSkippingAssignment: true,
  })
  const assigned = { assignedPartitions: [{ topic: 't', partitions: [1] }], userData: null }
  const assignment = encodeEmbedded(ConsumerProtocolAssignment, 1, assigned)
  await groups.sync({ ...common, memberId, generation, protocolName: 'range', assignments: [{ memberId, assignment }] })
  return memberId
}

async function withGroups(): Promise<HttpRig> {
  const rig = openHttpRig()
  await rig.send('POST', '/v1/topics', { name: 't', partitions: 2 })
  await rig.send('POST', '/v1/topics', { name: 'a.b_c-d' })
  await rig.send(
    'POST',
    '/v1/topics/t/records',
    [1, 2, 3].map(value => ({ partition: 1, value })),
  )
  await rig.send('POST', '/v1/groups/a%20group%2F1/poll', { topics: ['t'] })
  await rig.send('PUT', '/v1/groups/simple/offsets', { offsets: [{ topic: 't', partition: 1, offset: 1 }] })
  return rig
}

test('every link leads somewhere, and every thing names itself', { timeout: 20_000 }, async () => {
  const rig = await withGroups()
  await classicMember(rig, 'classic')
  const seen = new Set<string>()
  const left = ['http://localhost/v3/clusters']
  for (let link = left.pop(); link !== undefined; link = left.pop()) {
    if (seen.has(link)) continue
    seen.add(link)
    const { pathname } = new URL(link)
    const told = await bodyOf(await rig.send('GET', pathname))
    expect([pathname, told.metadata.self]).toEqual([pathname, link])
    for (const [, found] of JSON.stringify(told).matchAll(/"(?:self|related)":"([^"]+)"/g)) left.push(found!)
  }
  const kinds = [...seen].map(link => new URL(link).pathname.replace(at, ''))
  for (const place of [
    '/topics/t/partitions/1/replicas/1',
    '/topics/t/partitions/-/reassignment',
    '/topics/a.b_c-d/configs/retention.ms',
    '/consumer-groups/a%20group%2F1/lag-summary',
    '/consumer-groups/a%20group%2F1/lags/t/partitions/0',
    '/consumer-groups/simple/lags/t/partitions/1',
    '/brokers/1/partition-replicas',
  ]) {
    expect(kinds).toContain(place)
  }
})

test('members of the classic protocol, their assignments, and who is behind most', async () => {
  const rig = await withGroups()
  const { send } = rig
  const memberId = await classicMember(rig, 'classic')
  const group = `${at}/consumer-groups/classic`
  const member = `${group}/consumers/${memberId}`
  const names = { consumer_id: memberId, instance_id: 'static', client_id: 'java' }
  expect(await bodyOf(await send('GET', member))).toMatchObject({ kind: 'KafkaConsumer', ...names })
  const place = { consumer_id: memberId, topic_name: 't', partition_id: 1 }
  expect((await bodyOf(await send('GET', `${member}/assignments`))).data).toMatchObject([place])
  expect(await bodyOf(await send('GET', `${member}/assignments/t/partitions/1`))).toMatchObject(place)
  expect((await send('GET', `${member}/assignments/t/partitions/0`)).status).toBe(404)
  // Nothing was committed yet.
  expect(await bodyOf(await send('GET', `${group}/lag-summary`))).toMatchObject({ max_lag: 0, total_lag: 0 })
  const lag = `${group}/lags/t/partitions/1`
  expect(await bodyOf(await send('GET', lag))).toMatchObject({
    current_offset: -1,
    log_end_offset: 3,
    lag: 3,
    ...names,
  })
  const topic = (await rig.log.topics.find({ name: 't' }))!
  const offsets = [0, 1].map(partition => {
    return { topicId: topic.id, partition, offset: partition, leaderEpoch: -1, metadata: '' }
  })
  await rig.groups.commitOffsets({ groupId: 'classic', memberId, instanceId: 'static', generation: 1, offsets })
  expect(await bodyOf(await send('GET', lag))).toMatchObject({ current_offset: 1, log_end_offset: 3, lag: 2, ...names })
  expect(await bodyOf(await send('GET', `${group}/lag-summary`))).toMatchObject({
    kind: 'KafkaConsumerGroupLagSummary',
    max_lag_consumer_id: memberId,
    max_lag_instance_id: 'static',
    max_lag_client_id: 'java',
    max_lag_topic_name: 't',
    max_lag_partition_id: 1,
    max_lag: 2,
    total_lag: 2,
  })
  for (const path of [`${group}/consumers/none`, `${group}/lags/t/partitions/9`, `${group}/lags/none/partitions/0`]) {
    expect((await send('GET', path)).status).toBe(404)
  }
})

test('a topic that is only to be validated is not made', async () => {
  const { send } = openHttpRig()
  const wanted = { topic_name: 't', replicas_assignments: { 0: [1], 1: [1], 2: [1] }, replication_factor: 1 }
  const valid = await bodyOf(await send('POST', `${at}/topics`, { ...wanted, validate_only: true }))
  expect(valid).toMatchObject({ kind: 'KafkaTopic', partitions_count: 3 })
  expect((await send('GET', `${at}/topics/t`)).status).toBe(404)
  expect(
    (await send('POST', `${at}/topics`, { ...wanted, configs: [{ name: 'no' }], validate_only: true })).status,
  ).toBe(400)
  const made = await send('POST', `${at}/topics`, wanted)
  expect([made.status, made.headers.get('location')]).toEqual([201, `http://localhost${at}/topics/t`])
  expect(await bodyOf(await send('PATCH', `${at}/topics/t`, { partitions_count: 5 }))).toMatchObject({
    partitions_count: 5,
  })
  expect((await send('PATCH', `${at}/topics/t`, { partitions_count: 2 })).status).toBe(400)
  expect((await send('PATCH', `${at}/topics/none`, { partitions_count: 2 })).status).toBe(404)
})

test('configs are set, reset and altered together, or not at all', async () => {
  const { send } = openHttpRig()
  await send('POST', '/v1/topics', { name: 't' })
  const configs = `${at}/topics/t/configs`
  const told = async (name: string) => bodyOf(await send('GET', `${configs}/${name}`))
  expect(await told('retention.ms')).toMatchObject({ value: '604800000', is_default: true, source: 'DEFAULT_CONFIG' })
  expect((await send('PUT', `${configs}/retention.ms`, { value: '5000' })).status).toBe(204)
  expect(await told('retention.ms')).toMatchObject({
    value: '5000',
    is_default: false,
    synonyms: [{ value: '5000', source: 'DYNAMIC_TOPIC_CONFIG' }, { value: '604800000' }],
  })
  const alter = (data: object[], more = {}) => send('POST', `${configs}:alter`, { data, ...more })
  const both = [
    { name: 'retention.ms', operation: 'DELETE' },
    { name: 'cleanup.policy', value: 'compact' },
  ]
  expect((await alter(both, { validate_only: true })).status).toBe(204)
  expect(await told('retention.ms')).toMatchObject({ value: '5000' })
  expect((await alter([...both, { name: 'segment.ms', value: 'x' }])).status).toBe(400)
  expect((await alter([{ name: 'retention.ms' }])).status).toBe(422)
  expect(await told('cleanup.policy')).toMatchObject({ value: 'delete' })
  expect((await alter(both)).status).toBe(204)
  expect([(await told('retention.ms')).is_default, (await told('cleanup.policy')).value]).toEqual([true, 'compact'])
  expect((await send('DELETE', `${configs}/cleanup.policy`)).status).toBe(204)
  expect(await told('cleanup.policy')).toMatchObject({ value: 'delete', is_default: true })
  for (const method of ['GET', 'PUT', 'DELETE']) {
    expect((await send(method, `${configs}/none`, method === 'PUT' ? { value: '' } : undefined)).status).toBe(404)
  }
  expect((await bodyOf(await send('GET', `${at}/topics/-/configs`))).data).toContainEqual(await told('retention.ms'))
  // Nothing but the colon's own word.
  expect((await send('POST', `${configs}:other`, { data: both })).status).toBe(404)
})

test('offsets of a partition', async () => {
  const { send } = await withGroups()
  expect(await bodyOf(await send('GET', `${at}/topics/t/partitions/1/offset`))).toMatchObject({
    kind: 'KafkaPartitionWithOffsets',
    earliest_offset: 0,
    latest_offset: 3,
  })
  expect(await bodyOf(await send('GET', `${at}/topics/t/partitions/2`), 404)).toMatchObject({ error_code: 40402 })
})

test('a batch of records that succeed and fail by their ids', async () => {
  const { send } = openHttpRig()
  await send('POST', '/v1/topics', { name: 't' })
  const path = `${at}/topics/t/records:batch`
  const entries = [
    { id: 'a', value: { type: 'JSON', data: { n: 1 } } },
    { id: 'b', value: { type: 'BINARY', data: '!' } },
    { id: 'c', partition_id: 7, value: { type: 'STRING', data: 'x' } },
    { id: 'd', key: { type: 'STRING', data: 'k' } },
  ]
  expect(await bodyOf(await send('POST', path, { entries }), 207)).toEqual({
    successes: [
      { id: 'a', error_code: 200, cluster_id: 'varve', topic_name: 't', partition_id: 0, offset: 0 },
      { id: 'd', error_code: 200, cluster_id: 'varve', topic_name: 't', partition_id: 0, offset: 1 },
    ],
    failures: [
      { id: 'b', error_code: 42201, message: 'entries.1.value.data: expected base64' },
      { id: 'c', error_code: 40402, message: expect.any(String) },
    ],
  })
  expect((await send('POST', path, { entries: [] })).status).toBe(422)
  expect((await send('POST', path, { entries: [entries[0], entries[0]] })).status).toBe(422)
  expect((await bodyOf(await send('GET', '/v1/topics/t/records?from=earliest'))).records).toHaveLength(2)
})
