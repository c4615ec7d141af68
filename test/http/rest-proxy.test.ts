import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitObjects } from '../../lib/http/rest-proxy/concatenated-json.ts'
import { bodyOf, type HttpRig, openHttpRig } from './rig.ts'

const V2 = { 'content-type': 'application/vnd.kafka.v2+json' }
const json = { 'content-type': 'application/vnd.kafka.json.v2+json' }
const binary = { 'content-type': 'application/vnd.kafka.binary.v2+json' }
const base64 = (text: string) => Buffer.from(text).toString('base64')

const post = (rig: HttpRig, path: string, body: object | undefined, headers: Record<string, string> = V2) =>
  rig.send('POST', path, body === undefined ? '' : JSON.stringify(body), headers)

async function consumer(rig: HttpRig, more: object = {}, group = 'g'): Promise<string> {
  const made = await bodyOf(
    await post(rig, `/consumers/${group}`, { format: 'json', 'auto.offset.reset': 'earliest', ...more }),
  )
  expect(made.base_uri).toBe(`http://localhost/consumers/${group}/instances/${made.instance_id}`)
  return new URL(made.base_uri).pathname
}

const records = async ({ send }: HttpRig, at: string, query = '?timeout=0') =>
  bodyOf(await send('GET', `${at}/records${query}`, undefined, { accept: 'application/vnd.kafka.json.v2+json' }))

describe('v2', () => {
  test('the walk of the Proxy: produce, subscribe, read, commit, delete; each step in another process', async () => {
    let rig = openHttpRig()
    const next = () => {
      rig = rig.another()
      return rig
    }
    await rig.send('POST', '/v1/topics', { name: 't', partitions: 2 })
    const sent = {
      records: [
        { key: 'k', value: { a: 1 } },
        { value: 'text', partition: 1 },
      ],
    }
    const produced = await bodyOf(await post(next(), '/topics/t', sent, json))
    expect(produced.offsets).toEqual([
      { partition: expect.any(Number), offset: 0, error_code: null, error: null },
      { partition: 1, offset: expect.any(Number), error_code: null, error: null },
    ])
    const at = await consumer(next(), { name: 'mine', 'auto.commit.enable': 'false' })
    expect((await post(next(), `${at}/subscription`, { topics: ['t'] })).status).toBe(204)
    expect(await bodyOf(await next().send('GET', `${at}/subscription`))).toEqual({ topics: ['t'] })
    const read = await records(next(), at)
    expect(read).toHaveLength(2)
    expect(read).toContainEqual({
      topic: 't',
      key: 'k',
      value: { a: 1 },
      partition: produced.offsets[0].partition,
      offset: 0,
    })
    expect((await bodyOf(await next().send('GET', `${at}/assignments`))).partitions).toHaveLength(2)
    expect(await records(next(), at)).toEqual([])
    await bodyOf(await post(next(), `${at}/offsets`, undefined))
    expect((await next().send('DELETE', at)).status).toBe(204)
    expect(await bodyOf(await next().send('GET', `${at}/records`), 404)).toEqual({
      error_code: 40403,
      message: expect.stringContaining('mine'),
    })
    const again = await consumer(next())
    await post(next(), `${again}/subscription`, { topics: ['t'] })
    expect(await records(next(), again)).toEqual([])
  })

  test('what was not committed comes again, what was committed by record does not', async () => {
    const rig = openHttpRig()
    await post(rig, '/topics/t', { records: [1, 2, 3].map(value => ({ value })) }, json)
    const at = await consumer(rig, { 'auto.commit.enable': false })
    await post(rig, `${at}/subscription`, { topics: ['t'] })
    expect((await records(rig, at)).map(({ value }: { value: number }) => value)).toEqual([1, 2, 3])
    await bodyOf(await post(rig, `${at}/offsets`, { offsets: [{ topic: 't', partition: 0, offset: 1 }] }))
    await rig.send('DELETE', at)
    const again = await consumer(rig)
    await post(rig, `${again}/subscription`, { topics: ['t'] })
    expect((await records(rig, again)).map(({ value }: { value: number }) => value)).toEqual([3])
  })

  test('positions move, and partitions may be assigned by hand', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't', partitions: 2 })
    await post(rig, '/topics/t/partitions/1', { records: [1, 2, 3].map(value => ({ value })) }, json)
    const at = await consumer(rig, {}, 'by-hand')
    const partitions = [{ topic: 't', partition: 1 }]
    expect((await post(rig, `${at}/assignments`, { partitions })).status).toBe(204)
    expect(await records(rig, at)).toHaveLength(3)
    for (const [path, body, left] of [
      ['positions', { offsets: [{ topic: 't', partition: 1, offset: 2 }] }, [3]],
      ['positions/beginning', { partitions }, [1, 2, 3]],
      ['positions/end', { partitions }, []],
    ] as const) {
      expect((await post(rig, `${at}/${path}`, body)).status).toBe(204)
      expect((await records(rig, at)).map(({ value }: { value: number }) => value)).toEqual(left)
    }
    const wrong = await post(rig, `${at}/subscription`, { topics: ['t'] })
    expect(await bodyOf(wrong, 409)).toMatchObject({ error_code: 40903 })
    const elsewhere = await post(rig, `${at}/positions`, { offsets: [{ topic: 't', partition: 0, offset: 0 }] })
    expect(elsewhere.status).toBe(409)
  })

  test('binary is base64, and a consumer answers in its format alone', async () => {
    const rig = openHttpRig()
    const sent = { records: [{ key: base64('k'), value: '/wA=' }, { value: null }] }
    await bodyOf(await post(rig, '/topics/t', sent, binary))
    const at = await consumer(rig, { format: 'binary' })
    await post(rig, `${at}/subscription`, { topics: ['t'] })
    const wrong = await rig.send('GET', `${at}/records`, undefined, { accept: 'application/vnd.kafka.json.v2+json' })
    expect(await bodyOf(wrong, 406)).toMatchObject({ error_code: 40601 })
    const right = await rig.send('GET', `${at}/records?timeout=0`, undefined, { accept: binary['content-type'] })
    expect(right.headers.get('content-type')).toBe(binary['content-type'])
    expect(await bodyOf(right)).toEqual([
      { topic: 't', key: base64('k'), value: '/wA=', partition: 0, offset: 0 },
      { topic: 't', key: null, value: null, partition: 0, offset: 1 },
    ])
  })

  test('two consumers of a group share the partitions', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't', partitions: 4 })
    const [one, two] = [await consumer(rig), await consumer(rig)]
    for (const at of [one, two]) await post(rig, `${at}/subscription`, { topics: ['t'] })
    for (let round = 0; round < 6; round++) {
      await records(rig, one)
      await records(rig, two)
    }
    const has = async (at: string) => (await bodyOf(await rig.send('GET', `${at}/assignments`))).partitions.length
    expect([await has(one), await has(two)]).toEqual([2, 2])
  })

  test.each([
    ['GET', '/topics/none', undefined, 404, 40401],
    ['GET', '/topics/t/partitions/9/offsets', undefined, 404, 40402],
    ['POST', '/topics/t', { records: [] }, 422, 42201],
    ['POST', '/topics/t/partitions/9', { records: [{ value: 1 }] }, 404, 40402],
    ['POST', '/consumers/g', { format: 'avro' }, 422, 42201],
    ['POST', '/consumers/g', { name: 'there' }, 409, 40902],
    ['POST', '/consumers/g/instances/none/subscription', { topics: ['t'] }, 404, 40403],
    ['POST', '/consumers/g/instances/there/subscription', { topic_pattern: '.*' }, 422, 42201],
    [
      'POST',
      '/consumers/g/instances/there/positions',
      { offsets: [{ topic: 'none', partition: 0, offset: 1 }] },
      404,
      40401,
    ],
  ])('%s %s %j is refused as by the Proxy', async (method, path, body, status, code) => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't' })
    await consumer(rig, { name: 'there' })
    const type = path.startsWith('/topics') ? json : V2
    const answer = await rig.send(method, path, body && JSON.stringify(body), body ? type : {})
    expect(await bodyOf(answer, status)).toEqual({ error_code: code, message: expect.any(String) })
  })

  test('topics are listed and described', async () => {
    const rig = openHttpRig()
    await post(rig, '/topics/t', { records: [{ value: 1 }] }, json)
    expect(await bodyOf(await rig.send('GET', '/topics'))).toEqual(['t'])
    expect(await bodyOf(await rig.send('GET', '/topics/t'))).toMatchObject({
      name: 't',
      partitions: [{ partition: 0 }],
    })
    const [partition] = await bodyOf(await rig.send('GET', '/topics/t/partitions'))
    expect(await bodyOf(await rig.send('GET', '/topics/t/partitions/0'))).toEqual(partition)
    expect(await bodyOf(await rig.send('GET', '/brokers'))).toEqual({ brokers: [partition.leader] })
    expect(await bodyOf(await rig.send('GET', '/topics/t/partitions/1'), 404)).toMatchObject({ error_code: 40402 })
    expect(await bodyOf(await rig.send('GET', '/topics/t/partitions/0/offsets'))).toEqual({
      beginning_offset: 0,
      end_offset: 1,
    })
    const unsupported = await post(
      rig,
      '/topics/t',
      { records: [] },
      { 'content-type': 'application/vnd.kafka.avro.v2+json' },
    )
    expect((await bodyOf(unsupported, 415)).error_code).toBe(41501)
  })
})

describe('v3', () => {
  test('clusters, topics, partitions and configs', async () => {
    const { send } = openHttpRig()
    const clusters = await bodyOf(await send('GET', '/v3/clusters'))
    expect(clusters).toMatchObject({ kind: 'KafkaClusterList', data: [{ kind: 'KafkaCluster' }] })
    const at = new URL(clusters.data[0].topics.related).pathname
    const topic = { topic_name: 't', partitions_count: 2, configs: [{ name: 'retention.ms', value: '1000' }] }
    expect(await bodyOf(await send('POST', at, topic), 201)).toMatchObject({ topic_name: 't', partitions_count: 2 })
    expect(await bodyOf(await send('POST', at, topic), 400)).toMatchObject({ error_code: 40002 })
    expect((await bodyOf(await send('GET', at))).data).toHaveLength(1)
    expect(await bodyOf(await send('GET', `${at}/t`))).toMatchObject({ kind: 'KafkaTopic', partitions_count: 2 })
    expect((await bodyOf(await send('GET', `${at}/t/partitions`))).data).toHaveLength(2)
    expect((await bodyOf(await send('GET', `${at}/t/configs`))).data).toContainEqual(
      expect.objectContaining({ name: 'retention.ms', value: '1000', is_default: false }),
    )
    expect((await send('DELETE', `${at}/t`)).status).toBe(204)
    expect(await bodyOf(await send('GET', `${at}/t`), 404)).toMatchObject({ error_code: 40401 })
    expect((await send('GET', '/v3/clusters/other/topics')).status).toBe(404)
  })

  test('consumer groups, their members and how far they are behind', async () => {
    const { send, log } = openHttpRig()
    await log.topics.create({ name: 't', partitions: 2 })
    await send('POST', '/v1/topics/t/records', [
      { partition: 0, value: 1 },
      { partition: 0, value: 2 },
    ])
    const polled = async (body: object) => bodyOf(await send('POST', '/v1/groups/my%20group/poll', body))
    const first = await polled({ topics: ['t'], from: 'earliest' })
    const { memberId } = await polled({ cursor: first.cursor, commit: true, maxRecords: 0 })
    await send('POST', '/v1/topics/t/records', { partition: 0, value: 3 })
    await send('PUT', '/v1/groups/simple/offsets', { offsets: [{ topic: 't', partition: 1, offset: 0 }] })
    const [cluster] = (await bodyOf(await send('GET', '/v3/clusters'))).data
    const follow = async (link: { related: string }) => bodyOf(await send('GET', new URL(link.related).pathname))
    const { data: groups } = await follow(cluster.consumer_groups)
    expect(groups).toMatchObject([
      {
        kind: 'KafkaConsumerGroup',
        consumer_group_id: 'my group',
        is_simple: false,
        state: 'STABLE',
        type: 'CONSUMER',
      },
      { kind: 'KafkaConsumerGroup', consumer_group_id: 'simple', is_simple: true, state: 'EMPTY', type: 'CLASSIC' },
    ])
    expect(await bodyOf(await send('GET', new URL(groups[0].metadata.self).pathname))).toEqual(groups[0])
    const client = { consumer_id: memberId, client_id: 'anonymous', instance_id: null }
    expect((await follow(groups[0].consumers)).data).toMatchObject([{ kind: 'KafkaConsumer', ...client }])
    expect((await follow(groups[0].lags)).data).toMatchObject([
      {
        kind: 'KafkaConsumerLag',
        topic_name: 't',
        partition_id: 0,
        current_offset: 2,
        log_end_offset: 3,
        lag: 1,
        ...client,
      },
      { partition_id: 1, current_offset: 0, log_end_offset: 0, lag: 0, ...client },
    ])
    expect((await follow(groups[1].consumers)).data).toEqual([])
    expect((await follow(groups[1].lags)).data).toMatchObject([{ partition_id: 1, lag: 0, consumer_id: '' }])
    const unknown = `${new URL(cluster.consumer_groups.related).pathname}/none`
    for (const path of [unknown, `${unknown}/consumers`, `${unknown}/lags`]) {
      expect(await bodyOf(await send('GET', path), 404)).toMatchObject({ error_code: 40401 })
    }
  })

  test('records are produced one by one, or as a stream with a report for each', async () => {
    const rig = openHttpRig()
    const [{ cluster_id: id }] = (await bodyOf(await rig.send('GET', '/v3/clusters'))).data
    const path = `/v3/clusters/${id}/topics/t/records`
    const one = {
      key: { type: 'STRING', data: 'k' },
      value: { type: 'JSON', data: { a: '}{' } },
      headers: [{ name: 'h', value: base64('v') }],
    }
    expect(await bodyOf(await rig.send('POST', path, one))).toMatchObject({
      error_code: 200,
      cluster_id: id,
      topic_name: 't',
      offset: 0,
    })
    const stream = `${JSON.stringify(one)}{"partition_id":7} {"value":{"type":"BINARY","data":"/wA="},"timestamp":"2024-01-01T00:00:00Z"}\n`
    const answer = await rig.send('POST', path, stream, { 'content-type': 'application/json' })
    const reports = (await answer.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(reports.map(({ error_code }) => error_code)).toEqual([200, 40402, 200])
    const { records: read } = await bodyOf(await rig.send('GET', '/v1/topics/t/partitions/0/records'))
    expect(read[0]).toMatchObject({ key: 'k', value: { a: '}{' }, headers: [{ key: 'h', value: 'v' }] })
    expect(read[2]).toMatchObject({ value: '/wA=', valueEncoding: 'base64', timestamp: Date.UTC(2024, 0) })
    const wrong = await rig.send('POST', path, '{"value":{"type":"AVRO"}} nonsense', {
      'content-type': 'application/json',
    })
    expect(
      (await wrong.text())
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).error_code),
    ).toEqual([42201, 42201])
  })

  test('JSON objects are told apart in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 8 }),
        fc.array(fc.constantFrom('', ' ', '\n', '\r\n\t'), { minLength: 9, maxLength: 9 }),
        fc.integer({ min: 1, max: 17 }),
        async (objects, spaces, size) => {
          const text = objects.map((object, index) => spaces[index] + JSON.stringify(object)).join('') + spaces[8]
          const bytes = Buffer.from(text)
          const pieces = async function* () {
            for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
          }
          const found: unknown[] = []
          for await (const lines of splitObjects(pieces(), 1_000_000)) {
            for (const line of lines) if ('text' in line) found.push(JSON.parse(Buffer.from(line.text).toString()))
          }
          expect(found).toEqual(objects.map(object => JSON.parse(JSON.stringify(object))))
        },
      ),
    )
  })
})
