import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CreateTopics, Fetch, Metadata, Produce } from '../../lib/protocol/index.ts'
import { batchOf, valuesIn } from '../support/batches.ts'
import { runCli, spawnCli } from '../support/cli.ts'
import { WireClient } from '../support/wire-client.ts'

let folder: string
const running: ReturnType<typeof spawnCli>[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-start-'))
})

afterEach(async () => {
  for (const child of running.splice(0)) await stop(child, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

interface Started {
  readonly child: ReturnType<typeof spawnCli>
  readonly kafkaPort: number
  readonly http: string
}

/** A server on free ports, with its data in the test's folder. */
async function start(...args: string[]): Promise<Started> {
  const child = spawnCli(['start', '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data', folder, ...args])
  running.push(child)
  child.stderr.resume()
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', text => resolve(String(text)))
    child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
  })
  const [, kafkaPort, http] = /kafka 127\.0\.0\.1:(\d+), http (\S+)/.exec(line)!
  return { child, kafkaPort: Number(kafkaPort), http: http! }
}

async function stop(child: ReturnType<typeof spawnCli>, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = await exited
  return code
}

async function brokersOf(port: number): Promise<number[]> {
  const client = await WireClient.connect(port)
  const { brokers } = await client.request(Metadata, 9, { topics: [] })
  client.end()
  return brokers.map(broker => broker.nodeId)
}

async function produce(port: number, values: string[]): Promise<void> {
  const client = await WireClient.connect(port)
  await client.request(Metadata, 9, { topics: [{ name: 't' }] })
  const { responses } = await client.request(Produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: [batchOf(values)] }] }],
  })
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
  client.end()
}

/** Fetches on until there is nothing more. */
async function readAll(port: number): Promise<string[]> {
  const client = await WireClient.connect(port)
  const values: string[] = []
  for (;;) {
    const { responses } = await client.request(Fetch, 11, fetchFrom(values.length, 0))
    const found = valuesIn(responses[0]!.partitions[0]!.records)
    if (found.length === 0) break
    values.push(...found)
  }
  client.end()
  return values
}

function fetchFrom(fetchOffset: number, maxWaitMs: number) {
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }
  const topics = [{ topic: 't', partitions: [partition] }]
  return { maxWaitMs, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0, topics }
}

describe.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('after %s', signal => {
  test('a server starts again with what it acknowledged, and with its node id', async () => {
    const first = await start()
    await produce(first.kafkaPort, ['a', 'b'])
    expect(await stop(first.child, signal)).toBe(signal === 'SIGKILL' ? null : 0)
    const again = await start('--kafka', `127.0.0.1:${first.kafkaPort}`)
    expect(await readAll(again.kafkaPort)).toEqual(['0:a', '1:b'])
    expect(await brokersOf(again.kafkaPort)).toEqual([1])
  })
})

test('SIGTERM answers the requests in flight, and ends those that wait', async () => {
  const { child, kafkaPort } = await start()
  await produce(kafkaPort, ['a'])
  const client = await WireClient.connect(kafkaPort)
  const waiting = client.request(Fetch, 11, fetchFrom(1, 600_000))
  // The next request is answered only once the fetch was begun.
  const other = await WireClient.connect(kafkaPort)
  await other.request(CreateTopics, 5, { topics: [], timeoutMs: 1_000, validateOnly: false })
  const exited = stop(child, 'SIGTERM')
  expect((await waiting).responses[0]!.partitions[0]!.errorCode).toBe(0)
  expect(await exited).toBe(0)
})

test('two servers on the same stores are one cluster', async () => {
  const [one, two] = [await start(), await start()]
  await produce(one.kafkaPort, ['a'])
  await produce(two.kafkaPort, ['b'])
  expect(await readAll(one.kafkaPort)).toEqual(['0:a', '1:b'])
  expect(await readAll(two.kafkaPort)).toEqual(['0:a', '1:b'])
  expect(await brokersOf(two.kafkaPort)).toEqual([1, 2])
})

describe('what cannot be is told in a sentence', () => {
  test('an address that is taken', async () => {
    const { kafkaPort, http } = await start()
    const kafka = await runCli([
      'start',
      '--kafka',
      `127.0.0.1:${kafkaPort}`,
      '--http',
      '127.0.0.1:0',
      '--data',
      folder,
    ])
    expect(kafka).toMatchObject({ code: 1, stdout: '' })
    expect(kafka.stderr).toContain(`127.0.0.1:${kafkaPort} is taken`)
    const both = await runCli(['start', '--kafka', '127.0.0.1:0', '--http', http, '--data', folder])
    expect(both.stderr).toContain('choose another address with --http')
  })

  test('a folder that cannot be made', async () => {
    const { code, stderr } = await runCli([
      'start',
      '--kafka',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      '--data',
      '/dev/null/x',
    ])
    expect(code).toBe(1)
    expect(stderr).toContain('Check --data')
  })

  test('a setting, by option or by environment', async () => {
    expect(await runCli(['start', '--kafka', '0.0.0.0:0'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--insecure-listen'),
    })
    expect(await runCli(['start'], { env: { VARVE_KAFKA: 'nonsense' } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--kafka must be HOST:PORT'),
    })
    expect(await runCli(['start', '--kafka', '0.0.0.0:0'], { env: { VARVE_INSECURE_LISTEN: '0' } })).toMatchObject({
      code: 2,
    })
  })
})
