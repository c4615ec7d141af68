import { expect, test } from 'vitest'
import { bodyOf, openHttpRig } from './rig.ts'

test('a topic is made, listed, described, grown and deleted', async () => {
  const { send, groups } = openHttpRig()
  const made = await send('POST', '/v1/topics', { name: 'a', partitions: 2, configs: { 'retention.ms': 5_000 } })
  expect(made.headers.get('location')).toBe('/v1/topics/a')
  const topic = await bodyOf(made, 201)
  expect(topic).toMatchObject({ name: 'a', partitions: 2, configs: { 'retention.ms': '5000' } })
  expect(await bodyOf(await send('GET', '/v1/topics'))).toEqual({ topics: [topic] })
  expect(await bodyOf(await send('GET', '/v1/topics?prefix=b'))).toEqual({ topics: [] })
  expect(await bodyOf(await send('PATCH', '/v1/topics/a', { partitions: 3 }))).toMatchObject({ partitions: 3 })
  expect((await bodyOf(await send('GET', '/v1/topics/a?allConfigs=true'))).configs).toMatchObject({
    'retention.ms': '5000',
    'cleanup.policy': 'delete',
  })
  await send('POST', '/v1/topics/a/records', { value: 1, partition: 1 })
  expect((await bodyOf(await send('GET', '/v1/topics/a/partitions'))).partitions).toEqual([
    { partition: 0, startOffset: 0, endOffset: 0, lastStableOffset: 0 },
    { partition: 1, startOffset: 0, endOffset: 1, lastStableOffset: 1 },
    { partition: 2, startOffset: 0, endOffset: 0, lastStableOffset: 0 },
  ])
  const offset = { topicId: topic.id, partition: 1, offset: 1, leaderEpoch: -1, metadata: '' }
  await groups.commitOffsets({ groupId: 'g', memberId: '', instanceId: undefined, generation: -1, offsets: [offset] })
  expect((await send('DELETE', '/v1/topics/a')).status).toBe(204)
  expect(await groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: false })).toEqual([])
  expect(await bodyOf(await send('GET', '/v1/topics/a'), 404)).toMatchObject({ code: 'UNKNOWN_TOPIC', status: 404 })
})

test.each([
  [{ name: '..' }, 400, 'INVALID_TOPIC_NAME'],
  [{ name: 'a', partitions: 0 }, 400, 'INVALID_PARTITIONS'],
  [{ name: 'a', configs: { 'retention.ms': 'long' } }, 400, 'INVALID_CONFIG'],
  [{ name: 'a', partition: 3 }, 400, 'BAD_REQUEST'],
  [{ name: 'there' }, 409, 'TOPIC_EXISTS'],
  [[], 400, 'BAD_REQUEST'],
])('%j is refused, and nothing is made', async (body, status, code) => {
  const { send, log } = openHttpRig()
  await log.topics.create({ name: 'there', partitions: 1 })
  for (const query of ['', '?validateOnly=true']) {
    const response = await send('POST', `/v1/topics${query}`, body)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await bodyOf(response, status)).toMatchObject({ code, status })
  }
  expect((await log.topics.list()).map(({ name }) => name)).toEqual(['there'])
})

test('configs change, those that are not named stay, and null means the default again', async () => {
  const { send, log } = openHttpRig()
  await send('POST', '/v1/topics', { name: 'a', configs: { 'retention.ms': 1_000, 'cleanup.policy': 'compact' } })
  const changes = { partitions: 2, configs: { 'retention.ms': null, 'max.message.bytes': 5_000 } }
  expect(await bodyOf(await send('PATCH', '/v1/topics/a', changes))).toMatchObject({
    partitions: 2,
    configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '5000' },
  })
  const wrong = await send('PATCH', '/v1/topics/a', { partitions: 9, configs: { 'retention.ms': 'long' } })
  expect(await bodyOf(wrong, 400)).toMatchObject({ code: 'INVALID_CONFIG' })
  const late = await send('PATCH', '/v1/topics/a', { partitions: 1, configs: { 'retention.ms': 7 } })
  expect(await bodyOf(late, 400)).toMatchObject({ code: 'INVALID_PARTITIONS' })
  expect(await log.topics.find({ name: 'a' })).toMatchObject({
    partitions: 2,
    configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '5000' },
  })
  expect(await bodyOf(await send('PATCH', '/v1/topics/none', { configs: {} }), 404)).toMatchObject({
    code: 'UNKNOWN_TOPIC',
  })
})

test('validateOnly makes nothing', async () => {
  const { send, log } = openHttpRig()
  expect(await bodyOf(await send('POST', '/v1/topics?validateOnly=true', { name: 'a' }))).toEqual({ valid: true })
  expect(await log.topics.list()).toEqual([])
})

test('what there is not, is told apart from what is asked wrongly', async () => {
  const { send } = openHttpRig()
  expect(await bodyOf(await send('GET', '/v1/nothing'), 404)).toMatchObject({ code: 'NOT_FOUND' })
  const wrong = await send('DELETE', '/v1/topics')
  expect(wrong.headers.get('allow')).toBe('POST, GET')
  expect(await bodyOf(wrong, 405)).toMatchObject({ code: 'METHOD_NOT_ALLOWED' })
  expect(await bodyOf(await send('GET', '/v1/topics?prefixes=a'), 400)).toMatchObject({
    code: 'BAD_REQUEST',
    detail: expect.stringContaining('prefixes'),
  })
})

test('the document has every route, and the page every path, and neither needs anything from elsewhere', async () => {
  const { send } = openHttpRig()
  const document = await bodyOf(await send('GET', '/openapi.json'))
  expect(document.openapi).toBe('3.1.0')
  expect(document.paths['/v1/topics/{topic}/records'].post.requestBody.content).toHaveProperty('application/x-ndjson')
  const offset = document.paths['/v1/topics/{topic}/partitions/{partition}/records'].get.parameters.find(
    (parameter: { name: string }) => parameter.name === 'offset',
  )
  expect(offset).toMatchObject({ in: 'query', required: false, schema: { type: 'integer', minimum: 0 } })
  const page = await (await send('GET', '/docs')).text()
  for (const path of Object.keys(document.paths)) expect(page).toContain(`<code>${path}</code>`)
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
})

test('a topic is forked, with the configs that are asked for', async () => {
  const { send, log } = openHttpRig()
  await send('POST', '/v1/topics', { name: 'a', partitions: 2, configs: { 'retention.ms': -1, 'segment.ms': 7 } })
  for (const value of [1, 2, 3]) await send('POST', '/v1/topics/a/records', { value, partition: 1 })
  expect(await bodyOf(await send('POST', '/v1/topics/a/forks?validateOnly=true', { name: 'b' }))).toEqual({
    valid: true,
  })
  const made = await send('POST', '/v1/topics/a/forks', { name: 'b', at: '1:2', configs: { 'segment.ms': 8 } })
  expect(made.headers.get('location')).toBe('/v1/topics/b')
  expect(await bodyOf(made, 201)).toMatchObject({
    name: 'b',
    partitions: 2,
    configs: { 'retention.ms': '-1', 'segment.ms': '8', 'varve.fork.from': 'a', 'varve.fork.at': '1:2' },
  })
  expect((await bodyOf(await send('GET', '/v1/topics/b/partitions'))).partitions[1]).toMatchObject({ endOffset: 2 })
  for (const [body, status, code] of [
    [{ name: 'b' }, 409, 'TOPIC_EXISTS'],
    [{ name: 'c', at: 'now' }, 400, 'INVALID_CONFIG'],
    [{ name: 'c', at: '1:2,1:3' }, 400, 'INVALID_CONFIG'],
    [{ name: '..' }, 400, 'INVALID_TOPIC_NAME'],
  ] as const)
    expect(await bodyOf(await send('POST', '/v1/topics/a/forks', body), status)).toMatchObject({ code })
  expect(await bodyOf(await send('POST', '/v1/topics/no/forks', { name: 'c' }), 404)).toMatchObject({
    code: 'UNKNOWN_TOPIC',
  })
  expect((await log.topics.list()).map(({ name }) => name)).toEqual(['a', 'b'])
})
