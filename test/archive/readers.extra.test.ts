/** Other people's readers find in an archive exactly what was appended: pyiceberg on files and on S3, DuckDB on the files it names. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import type { Topic } from '../../lib/log/index.ts'
import { createS3Client, ensureBucket, openPublishedBucket } from '../../lib/storage/aws/index.ts'
import type { PublishedFiles } from '../../lib/storage/index.ts'
import { openPublishedFolder } from '../../lib/storage/local/index.ts'
import { pythonWith, ToolchainMissing } from '../clients/toolchains.ts'
import { smallFlights } from '../support/flights.ts'
import { describeWith, type Requirement } from '../support/requirement.ts'
import { type S3Server, s3Server, startS3Server } from '../support/s3-server.ts'
import { append, DAY, openArchiveRig, readTable, START } from './rig.ts'

const MINUTE = 60_000
const run = promisify(execFile)
const requirements = join(import.meta.dirname, 'python/requirements.txt')
const script = join(import.meta.dirname, 'python/read_table.py')

let pythonPath = ''
const python: Requirement = {
  missing: await pythonWith(requirements).then(
    path => {
      pythonPath = path
      return undefined
    },
    error => {
      if (error instanceof ToolchainMissing) return error.message
      throw error
    },
  ),
}

/** All flights in three partitions and four commits, the second of them after a process that died of a commit. */
async function archiveFlights(files: PublishedFiles): Promise<{ topic: Topic; expected: Map<string, string> }> {
  const { log, create, archive } = openArchiveRig()
  const schema = 'origin:string,delay:long,distance:double,day=date:json'
  const topic = await create('flights', { 'varve.archive.schema': schema }, 3)
  const expected = new Map<string, string>()
  const next = [0, 0, 0]
  let batch: { text: string; key: Buffer; timestamp: number }[] = []
  let sent = 0
  const flush = async (partition: number) => {
    await append(log, topic, batch, partition)
    for (const { text, timestamp } of batch) expected.set(`${partition}@${next[partition]!++}`, `${timestamp} ${text}`)
    batch = []
  }
  for await (const flight of smallFlights()) {
    const timestamp = START - 15 * DAY + sent++ * MINUTE
    batch.push({ text: JSON.stringify(flight), key: Buffer.from(flight.origin), timestamp })
    if (batch.length === 500) await flush((sent / 500) % 3)
    if (sent === 10_000) {
      const dying: PublishedFiles = {
        put: async (name, parts) => {
          if (name.endsWith('-list.avro')) throw new Error('this process is dead')
          return files.put(name, parts)
        },
        get: name => files.get(name),
        list: prefix => files.list(prefix),
        delete: names => files.delete(names),
        uri: name => files.uri(name),
      }
      await expect(archive({ files: dying })).rejects.toThrow('dead')
    }
    if (sent % 5_000 === 0) await archive({ files })
  }
  return { topic, expected }
}

interface PyRow {
  readonly partition: number
  readonly offset: number
  /** Microseconds. */
  readonly timestamp: number
  readonly value: { readonly base64: string }
  readonly origin: string
  readonly delay: number
}

async function readByPython(where: string, properties: Record<string, string>, filter = '') {
  const args = [script, where, JSON.stringify(properties), filter]
  const { stdout } = await run(pythonPath, args, { maxBuffer: 2 ** 28 })
  const [head, ...rows] = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  return { head: head as { files: number; snapshots: number }, rows: rows as PyRow[] }
}

function contentsOf(rows: readonly PyRow[]): Map<string, string> {
  const found = rows.map(({ partition, offset, timestamp, value }): [string, string] => [
    `${partition}@${offset}`,
    `${timestamp / 1_000} ${Buffer.from(value.base64, 'base64')}`,
  ])
  // Each once.
  expect(new Set(found.map(([place]) => place)).size).toBe(found.length)
  return new Map(found)
}

async function expectWhole(where: string, properties: Record<string, string>, expected: Map<string, string>) {
  const { head, rows } = await readByPython(where, properties)
  expect(head.snapshots).toBe(4)
  const contents = contentsOf(rows)
  expect(contents.size).toBe(expected.size)
  for (const [place, record] of expected) expect(contents.get(place)).toBe(record)
  const day = new Date(START - 14 * DAY).toISOString().slice(0, 10)
  const filter = `timestamp >= '${day}T00:00:00+00:00' and timestamp < '${day}T23:59:59.999+00:00' and origin = 'SFO'`
  const some = await readByPython(where, properties, filter)
  // The days of other files are known from the manifests.
  expect(some.head.files).toBeLessThan(head.files / 5)
  const wanted = rows.filter(({ timestamp, origin }) => {
    return origin === 'SFO' && Math.floor(timestamp / 1_000 / DAY) === (START - 14 * DAY) / DAY
  })
  expect(wanted.length).toBeGreaterThan(0)
  expect(some.rows.length).toBe(wanted.length)
}

describeWith(python, 'pyiceberg, files', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'archive-readers-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('reads all flights once, and few files for one day', async () => {
    const files = openPublishedFolder(folder, systemRandom)
    const { topic, expected } = await archiveFlights(files)
    await expectWhole(join(folder, 'flights', topic.id), {}, expected)
  })
})

describeWith({ missing: python.missing ?? s3Server.missing }, 'pyiceberg, S3', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startS3Server()
  })
  afterAll(() => server?.stop())

  test('reads all flights once, and few files for one day', async () => {
    const client = createS3Client(server)
    await ensureBucket(client, 'lake')
    const place = { client, bucket: 'lake', prefix: 'varve/archive' }
    const { topic, expected } = await archiveFlights(
      openPublishedBucket(place, { clock: systemClock, random: systemRandom }),
    )
    client.destroy()
    const properties = {
      's3.endpoint': server.endpoint,
      's3.access-key-id': server.credentials.accessKeyId,
      's3.secret-access-key': server.credentials.secretAccessKey,
      's3.region': 'us-east-1',
    }
    await expectWhole(`s3://lake/varve/archive/flights/${topic.id}`, properties, expected)
  })
})

test('DuckDB reads the Parquet files that the current snapshot names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'archive-duckdb-'))
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  try {
    const files = openPublishedFolder(folder, systemRandom)
    const { topic, expected } = await archiveFlights(files)
    const { names } = await readTable(files, topic)
    const list = names.map(name => `'${join(folder, name)}'`).join(', ')
    const reader = await connection.runAndReadAll(
      `select partition, "offset", epoch_ms(timestamp) as sent, decode(value) as value, len(headers) as headers, typeof(timestamp) as type
       from read_parquet([${list}], union_by_name = true)`,
    )
    const rows = reader.getRowObjectsJson()
    expect(rows).toHaveLength(expected.size)
    for (const { partition, offset, sent, value, headers, type } of rows) {
      expect(`${sent} ${value}`).toBe(expected.get(`${partition}@${offset}`))
      expect([headers, type]).toEqual(['0', 'TIMESTAMP WITH TIME ZONE'])
    }
  } finally {
    connection.closeSync()
    database.closeSync()
    await rm(folder, { recursive: true, force: true })
  }
})
