import { once } from 'node:events'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliResult, runCli, spawnCli } from '../support/cli.ts'
import type { TestServer } from '../support/server-process.ts'
import { createTestServer } from '../support/varve-server.ts'

let server: TestServer
let admin: Admin
let topicsMade = 0

beforeAll(async () => {
  server = await createTestServer()
  await server.start()
  admin = new Kafka({ brokers: [server.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
})
afterAll(async () => {
  await admin?.disconnect()
  await server?.stop()
})

function varve(args: readonly string[], input?: string | Uint8Array): Promise<CliResult> {
  return runCli(args, { env: { VARVE_BOOTSTRAP: server.bootstrap }, ...(input !== undefined && { input }) })
}

async function makeTopic(partitions = 1): Promise<string> {
  const name = `records-${++topicsMade}`
  await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true })
  return name
}

async function readAll(topic: string, ...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await varve(['tail', topic, '--from', 'earliest', '--json', ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}

describe('produce', () => {
  test('each line is a record, byte for byte, in order', async () => {
    const topic = await makeTopic()
    const sent = await varve(['produce', topic], 'first\n\n third \r\nlast without an end')
    expect(sent).toEqual({ code: 0, stdout: '', stderr: `sent 4 records to ${topic}\n` })
    const records = await readAll(topic)
    expect(records.map(({ offset, key, value }) => [offset, key, value])).toEqual([
      [0, null, 'first'],
      [1, null, ''],
      [2, null, ' third '],
      [3, null, 'last without an end'],
    ])
  })

  test('bytes that are no UTF-8 survive', async () => {
    const topic = await makeTopic()
    await varve(['produce', topic], Buffer.from([0xff, 0x00, 0xfe, 0x0a]))
    expect(await readAll(topic)).toMatchObject([{ valueBase64: '/wD+' }])
  })

  test('--key takes a field of JSON lines, and one key stays in one partition', async () => {
    const topic = await makeTopic(4)
    const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ id: i, at: { city: `c${i % 5}` } }))
    await varve(['produce', topic, '--key', 'at.city', '--headers', 'from=test', '-H', 'n=1'], lines.join('\n'))
    const records = await readAll(topic)
    expect(records).toHaveLength(40)
    for (const [key, ofKey] of Map.groupBy(records, record => record.key)) {
      expect(new Set(ofKey.map(record => record.partition)).size).toBe(1)
      expect(ofKey.map(record => JSON.parse(String(record.value)).at.city)).toEqual(ofKey.map(() => key))
      const ids = ofKey.map(record => JSON.parse(String(record.value)).id)
      expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    }
    expect(records[0]?.headers).toEqual([
      { name: 'from', value: 'test' },
      { name: 'n', value: '1' },
    ])
  })

  test('keys lie where the Java client puts them', async () => {
    const topic = await makeTopic(7)
    await varve(['produce', topic, '--key-separator', ':'], 'ATL:1\nJFK:2\nBDL:3\nSFO:4\nMIA:5\n')
    const places = (await readAll(topic)).map(({ key, partition }) => [key, partition])
    expect(Object.fromEntries(places)).toEqual({ ATL: 2, JFK: 5, BDL: 4, SFO: 5, MIA: 1 })
  })

  test('every compression is read back', async () => {
    const topic = await makeTopic(4)
    const algorithms = ['gzip', 'snappy', 'lz4', 'zstd']
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i} ${'x'.repeat(50)}`)
    for (const [partition, algorithm] of algorithms.entries()) {
      await varve(['produce', topic, '--compression', algorithm, '--partition', String(partition)], lines.join('\n'))
    }
    const read = Map.groupBy(await readAll(topic), record => record.partition)
    for (const partition of algorithms.keys()) expect(read.get(partition)?.map(record => record.value)).toEqual(lines)
  })

  test('acks 0, 1 and all', async () => {
    const topic = await makeTopic(3)
    for (const [partition, acks] of ['0', '1', 'all'].entries()) {
      const sent = await varve(['produce', topic, '--acks', acks, '-p', String(partition), '--json'], 'a\nb\n')
      expect(JSON.parse(sent.stdout)).toEqual({ topic, records: 2, bytes: 2 })
    }
    const { stdout } = await varve(['tail', topic, '--from', 'earliest', '--follow', '--max', '6', '--format', 'raw'])
    expect(stdout.split('\n').sort()).toEqual(['', 'a', 'a', 'a', 'b', 'b', 'b'])
  })

  test('a line that is no JSON is named', async () => {
    const topic = await makeTopic()
    const { code, stderr } = await varve(['produce', topic, '--key', 'id'], '{"id":1}\n{"id":\n')
    expect(stderr).toMatch(/^Line 2 is no JSON/)
    expect(code).toBe(1)
  })

  test('a topic that does not exist is not made', async () => {
    const { code, stderr } = await varve(['produce', 'nobody-made-it'], 'x\n')
    expect(stderr).toMatch(/^Topic nobody-made-it does not exist/)
    expect(code).toBe(1)
  })

  test('what tail prints as JSON goes in again as it was', async () => {
    const [from, to] = [await makeTopic(2), await makeTopic(2)]
    await varve(['produce', from, '--key-separator', '=', '-H', 'h=1'], 'a=1\nb=2\nc=3\n')
    const printed = await varve(['tail', from, '--from', 'earliest', '--json'])
    await varve(['produce', to, '--format', 'record'], printed.stdout)
    const strip = (records: Record<string, unknown>[]) => records.map(({ topic: _, ...rest }) => rest)
    expect(strip(await readAll(to))).toEqual(strip(await readAll(from)))
  })
})

describe('tail', () => {
  test('--from an offset, a time, an end', async () => {
    const topic = await makeTopic()
    const values = Array.from({ length: 25 }, (_, i) => `v${i}\n`)
    await varve(['produce', topic], values.join(''))
    for (const [from, count] of [
      [[], 10],
      [['--from', '22'], 3],
      [['--from', '-2'], 2],
      [['--from', '1h'], 25],
      [['--from', '2222-01-01T00:00:00Z'], 0],
    ] as const) {
      const { code, stdout } = await varve(['tail', topic, ...from, '--format', 'raw'])
      expect({ from, code, stdout }).toEqual({ from, code: 0, stdout: values.slice(25 - count).join('') })
    }
  })

  test('text is one readable line a record', async () => {
    const topic = await makeTopic()
    await varve(['produce', topic, '-K', ':'], 'k:v\u0007w\n')
    expect((await varve(['tail', topic])).stdout).toMatch(/^\d{4}-\d\d-\d\dT\S+Z {2}0@0 {2}k {2}v\\u0007w\n$/)
  })

  test('--partition and --max choose', async () => {
    const topic = await makeTopic(3)
    await varve(['produce', topic, '--partition', '2'], 'a\nb\nc\n')
    await varve(['produce', topic, '--partition', '1'], 'x\n')
    expect((await readAll(topic, '--partition', '2', '--max', '2')).map(record => record.value)).toEqual(['a', 'b'])
    expect((await readAll(topic, '--partition', '0,1')).map(record => record.value)).toEqual(['x'])
  })

  test('--follow goes on with what arrives, and through a restart of the server', async () => {
    const topic = await makeTopic(2)
    await varve(['produce', topic], 'before\n')
    const cli = spawnCli(['tail', topic, '--from', 'earliest', '--follow', '--format', 'raw'], {
      VARVE_BOOTSTRAP: server.bootstrap,
    })
    const lines = cli.stdout.setEncoding('utf8')
    expect(await once(lines, 'data')).toEqual(['before\n'])
    const [, [arrived]] = await Promise.all([varve(['produce', topic], 'after\n'), once(lines, 'data')])
    expect(arrived).toBe('after\n')
    await server.kill()
    await server.start()
    const [, [later]] = await Promise.all([varve(['produce', topic], 'later\n'), once(lines, 'data')])
    expect(later).toBe('later\n')
    cli.kill()
    await once(cli, 'exit')
  })

  test('no group is seen after it', async () => {
    const topic = await makeTopic()
    await varve(['produce', topic], 'a\n')
    await varve(['tail', topic])
    expect((await varve(['groups', 'list', '--json'])).stdout).toBe('[]\n')
  })
})
