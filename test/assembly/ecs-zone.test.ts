/** A gateway on ECS is in the zone of its task: told by the metadata endpoint, seen by Kafka clients. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig, startVarve } from '../../lib/assembly/index.ts'
import type { Logger } from '../../lib/base/index.ts'
import { Metadata } from '../../lib/protocol/index.ts'
import { WireClient } from '../support/wire-client.ts'

let folder: string
let endpoint: Server
let answer: { status: number; body: string }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-zone-'))
  endpoint = createServer(({ url }, response) => {
    response.writeHead(url === '/v4/id/task' ? answer.status : 404).end(answer.body)
  }).listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
})

afterEach(async () => {
  endpoint.close()
  await rm(folder, { recursive: true, force: true })
})

async function rackTold(rack?: string): Promise<{ rack: string | null; warnings: string[] }> {
  const warnings: string[] = []
  const ignore = () => {}
  const logger: Logger = { info: ignore, error: ignore, warn: event => void warnings.push(event) }
  const ecsMetadata = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v4/id`
  const config = readConfig({ kafka: '127.0.0.1:0', http: '127.0.0.1:0', data: folder, rack, ecsMetadata })
  const varve = await startVarve(config, logger)
  try {
    const client = await WireClient.connect(Number(varve.kafkaAddress.split(':').at(-1)))
    const { brokers } = await client.request(Metadata, 9, { topics: [] })
    client.end()
    return { rack: brokers[0]!.rack, warnings }
  } finally {
    await varve.close()
  }
}

test('the zone is that of the task', async () => {
  answer = { status: 200, body: JSON.stringify({ Cluster: 'c', AvailabilityZone: 'eu-central-1b' }) }
  expect(await rackTold()).toEqual({ rack: 'eu-central-1b', warnings: [] })
})

test('what is told goes before it', async () => {
  answer = { status: 200, body: JSON.stringify({ AvailabilityZone: 'eu-central-1b' }) }
  expect((await rackTold('mine')).rack).toBe('mine')
})

test.each([
  { status: 500, body: 'no' },
  { status: 200, body: 'no JSON' },
  { status: 200, body: '{}' },
])('where it cannot be had (%j) the gateway serves, and says so', async given => {
  answer = given
  expect(await rackTold()).toEqual({ rack: null, warnings: [expect.stringContaining('zone unknown')] })
})
