import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { handlers } from '../../lib/broker/index.ts'
import {
  ApiVersions,
  DescribeCluster,
  decodeResponse,
  errorCodes,
  GetTelemetrySubscriptions,
  InitProducerId,
  Metadata,
} from '../../lib/protocol/index.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { frameOf, WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient

beforeEach(async () => {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
})

afterEach(async () => {
  client.end()
  await broker.close()
})

const software = { clientSoftwareName: 'a-client', clientSoftwareVersion: '1.0' }

/** A request frame whose version is none that the table has. */
function withVersion(frame: Buffer, version: number): Buffer {
  frame.writeInt16BE(version, 6)
  return frame
}

describe('ApiVersions', () => {
  test.each([0, 1, 2, 3, 4, 5])('version %i tells every API that is served', async version => {
    const answer = await client.request(ApiVersions, version, software)
    expect(answer.errorCode).toBe(0)
    expect(answer.apiKeys.map(({ apiKey }) => apiKey)).toEqual(handlers.map(({ api }) => api.key).sort((a, b) => a - b))
    expect(answer.apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
    expect(answer.apiKeys).toContainEqual({ apiKey: 22, minVersion: 0, maxVersion: 5 })
  })

  test('a version to come is answered in the form of version 0, with error 35 and its own versions', async () => {
    const frame = withVersion(frameOf({ api: ApiVersions, version: 5, body: software, correlationId: 77 }), 99)
    client.write(frame)
    const { correlationId, body } = decodeResponse(ApiVersions, 0, await client.receiveFrame())
    expect(correlationId).toBe(77)
    expect(body.errorCode).toBe(errorCodes.UNSUPPORTED_VERSION)
    expect(body.apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 5 }])
    expect((await client.request(ApiVersions, 3, software)).errorCode).toBe(0)
  })

  test.each(['', '-a', 'a b', 'a_b', 'a-'])('a client software named %j is refused', async clientSoftwareName => {
    const answer = await client.request(ApiVersions, 3, { ...software, clientSoftwareName })
    expect(answer).toMatchObject({ errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] })
  })

  test('a client that means another cluster or node is sent away', async () => {
    const { clusterId, nodeId } = broker.cluster
    const answerTo = async (meant: { clusterId: string | null; nodeId: number }) =>
      (await client.request(ApiVersions, 5, { ...software, ...meant })).errorCode
    expect(await answerTo({ clusterId, nodeId })).toBe(0)
    expect(await answerTo({ clusterId: null, nodeId: -1 })).toBe(0)
    expect(await answerTo({ clusterId: 'another', nodeId })).toBe(errorCodes.REBOOTSTRAP_REQUIRED)
    expect(await answerTo({ clusterId, nodeId: nodeId + 1 })).toBe(errorCodes.REBOOTSTRAP_REQUIRED)
    expect(await answerTo({ clusterId, nodeId: -1 })).toBe(errorCodes.INVALID_REQUEST)
    expect(await answerTo({ clusterId: null, nodeId })).toBe(errorCodes.INVALID_REQUEST)
  })
})

describe('what is no request of ours closes its connection, with a log line, and disturbs no other', () => {
  const metadata = () => frameOf({ api: Metadata, version: 9, body: { topics: [] }, correlationId: 1 })
  const cases: [string, () => Buffer, string][] = [
    [
      'an API key that nobody knows',
      () => {
        const frame = metadata()
        frame.writeInt16BE(999, 4)
        return frame
      },
      'UNKNOWN_API',
    ],
    [
      'an API that is not served',
      () =>
        frameOf({
          api: GetTelemetrySubscriptions,
          version: 0,
          body: { clientInstanceId: '0'.repeat(32) },
          correlationId: 1,
        }),
      'UNKNOWN_API',
    ],
    ['a version that is not served', () => withVersion(metadata(), 14), 'UNSUPPORTED_VERSION'],
    [
      'a version that is not stable',
      () =>
        frameOf({
          api: InitProducerId,
          version: 6,
          body: { transactionalId: null, transactionTimeoutMs: 1 },
          correlationId: 1,
        }),
      'UNSUPPORTED_VERSION',
    ],
    [
      'a body cut short',
      () => {
        const frame = metadata().subarray(0, -2)
        frame.writeInt32BE(frame.length - 4, 0)
        return frame
      },
      'MALFORMED',
    ],
    ['an empty frame', () => Buffer.alloc(4), 'MALFORMED'],
    ['a frame of random bytes', () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'BROKEN_FRAME'],
    [
      'an array of two billion',
      () => {
        const frame = frameOf({ api: Metadata, version: 1, body: { topics: [] }, correlationId: 1 })
        frame.writeInt32BE(2_000_000_000, frame.length - 4)
        return frame
      },
      'MALFORMED',
    ],
  ]

  test.each(cases)('%s', async (_name, frame, code) => {
    const other = await WireClient.connect(broker.port)
    client.write(frame())
    await client.closed()
    expect(broker.logged).toEqual([expect.stringContaining(code)])
    expect((await other.request(ApiVersions, 3, software)).errorCode).toBe(0)
    other.end()
  })
})

test('DescribeCluster tells the gateways, and that this is no controller', async () => {
  const body = { includeClusterAuthorizedOperations: true, endpointType: 1 }
  for (const version of [0, 1, 2]) {
    const answer = await client.request(DescribeCluster, version, body)
    expect(answer).toMatchObject({ errorCode: 0, clusterId: broker.cluster.clusterId, controllerId: 1 })
    expect(answer.brokers).toEqual([{ brokerId: 1, host: '127.0.0.1', port: broker.port, rack: null, isFenced: false }])
    expect(answer.clusterAuthorizedOperations).toBe(8_096)
  }
  const controllers = await client.request(DescribeCluster, 1, { ...body, endpointType: 2 })
  expect(controllers.errorCode).toBe(errorCodes.MISMATCHED_ENDPOINT_TYPE)
})

test('InitProducerId gives each producer an id of its own', async () => {
  const seen = new Set<number>()
  for (const version of [0, 1, 2, 3, 4, 5]) {
    const answer = await client.request(InitProducerId, version, { transactionalId: null, transactionTimeoutMs: 1 })
    expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    seen.add(answer.producerId)
  }
  expect(seen.size).toBe(6)
  const refused = async (transactionalId: string) =>
    (await client.request(InitProducerId, 4, { transactionalId, transactionTimeoutMs: 1 })).errorCode
  expect(await refused('')).toBe(errorCodes.INVALID_REQUEST)
})
