/**
 * Archives in a real catalog, Apache Iceberg's own, as other people's readers find them there: while commits are lost, doubled, late and
 * refused, while the catalog is killed, and while others rewrite the table's files in between.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TableCatalog } from '../../lib/archive/index.ts'
import { readCatalogLocation } from '../../lib/assembly/catalog-location.ts'
import { queryTopics, readStoresConfig } from '../../lib/assembly/index.ts'
import { bucketFiles, openCatalog } from '../../lib/assembly/open-catalog.ts'
import { runUpkeep } from '../../lib/assembly/upkeep.ts'
import { withLog } from '../../lib/assembly/with-log.ts'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { createS3Client, ensureBucket, openPublishedBucket } from '../../lib/storage/aws/index.ts'
import { openPublishedFolder } from '../../lib/storage/local/index.ts'
import { pythonWith, ToolchainMissing } from '../clients/toolchains.ts'
import { describeTableCatalog } from '../contracts/table-catalog.ts'
import { smallFlights } from '../support/flights.ts'
import { describeWith, type Requirement } from '../support/requirement.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { type CatalogServer, catalogServer, startCatalogServer } from './catalog-server.ts'
import { type Fault, faultyCatalog } from './faulty-catalog.ts'
import { append, DAY, openArchiveRig, START } from './rig.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, 'python')
let pythonPath = ''
const python: Requirement = {
  missing: await pythonWith(join(folder, 'requirements.txt')).then(
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
const both: Requirement = { missing: catalogServer.missing ?? python.missing }

const unsigned = () => Promise.reject(new Error('not signed here'))
const localFiles = (location: string) => openPublishedFolder(location.replace(/^file:\/\//, ''), systemRandom)

function openAt(endpoint: string, filesAt: Parameters<typeof openCatalog>[1]['filesAt'] = localFiles) {
  const location = readCatalogLocation(`${endpoint}?namespace=lake`, '')!
  return openCatalog(location, { clock: systemClock, random: systemRandom, filesAt, signerOf: unsigned })
}

async function python3(script: string, ...args: readonly string[]) {
  const { stdout } = await run(pythonPath, [join(folder, script), ...args], { maxBuffer: 2 ** 28 })
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

async function contentsByPython(properties: Record<string, string>): Promise<Map<string, string>> {
  const [, ...rows] = await python3('read_table.py', 'lake.flights', JSON.stringify(properties), '')
  const found = rows.map(({ partition, offset, value, origin }): [string, string] => [
    `${partition}@${offset}`,
    `${origin} ${Buffer.from(value.base64, 'base64')}`,
  ])
  const contents = new Map(found)
  // Each once.
  expect(contents.size).toBe(found.length)
  return contents
}

/** 20,000 flights in three partitions and four passes; `before` each pass, something. Passes are repeated until one ends well. */
async function archiveFlights(catalog: TableCatalog, before: (pass: number) => Promise<void>) {
  const rig = openArchiveRig()
  const topic = await rig.create('flights', { 'varve.archive.schema': 'origin:string,delay:long' }, 3)
  const expected = new Map<string, string>()
  const next = [0, 0, 0]
  let batch: { text: string; timestamp: number }[] = []
  let sent = 0
  let failures = 0
  for await (const flight of smallFlights()) {
    const text = JSON.stringify(flight)
    batch.push({ text, timestamp: START - 15 * DAY + sent++ * 60_000 })
    if (batch.length < 500) continue
    const partition = (sent / 500) % 3
    await append(rig.log, topic, batch, partition)
    for (const one of batch)
      expected.set(`${partition}@${next[partition]!++}`, `${JSON.parse(one.text).origin} ${one.text}`)
    batch = []
    if (sent % 5_000 !== 0) continue
    await before(sent / 5_000)
    for (let tries = 1; (await rig.archive({ catalog })).failed.length > 0; tries++) {
      failures++
      expect(tries).toBeLessThan(10)
    }
  }
  return { ...rig, topic, expected, failures }
}

describeWith(catalogServer, 'a catalog server', () => {
  describeTableCatalog("Apache Iceberg's REST catalog", async () => {
    const server = await startCatalogServer()
    return { catalog: await openAt(server.endpoint), remove: () => server.stop() }
  })
})

describeWith(both, 'pyiceberg, through a catalog', () => {
  let server: CatalogServer
  beforeAll(async () => {
    server = await startCatalogServer()
  })
  afterAll(() => server?.stop())

  test('reads all flights once, though commits fail in every way and others rewrite the table', async () => {
    const faulty = await faultyCatalog(server.endpoint)
    try {
      const catalog = await openAt(faulty.endpoint)
      const faults: Fault[][] = [['lost'], ['twice'], ['late', 'refused'], ['done and 500', 'none', 'lost']]
      const properties = { uri: server.endpoint }
      const { expected, failures } = await archiveFlights(catalog, async pass => {
        faulty.faults.push(...faults[pass - 1]!)
        if (pass < 3) return
        const [told] = await python3('maintain_table.py', 'lake.flights', JSON.stringify(properties))
        expect(told.snapshots).toBe(1)
        // One that a number does not hold, nearly always.
        expect(told.snapshot).toMatch(/^\d+$/)
      })
      // What was late and what was refused did not end well, and all others did.
      expect(failures).toBeGreaterThanOrEqual(1)
      expect(await contentsByPython(properties)).toEqual(expected)
    } finally {
      await faulty.close()
    }
  })
})

describeWith({ missing: both.missing ?? s3Server.missing }, 'pyiceberg, through a catalog, S3', () => {
  test('reads all flights once, though the catalog is killed', async () => {
    const s3 = await startS3Server()
    const client = createS3Client(s3)
    await ensureBucket(client, 'lake')
    const server = await startCatalogServer({ folder: s3.folder, bucket: 'lake' })
    try {
      const surroundings = { clock: systemClock, random: systemRandom }
      const catalog = await openAt(server.endpoint, place =>
        bucketFiles(place, (bucket, prefix) => openPublishedBucket({ client, bucket, prefix }, surroundings)),
      )
      const killing: TableCatalog = {
        name: catalog.name,
        load: table => catalog.load(table),
        create: (table, shape) => catalog.create(table, shape),
        filesAt: location => catalog.filesAt(location),
        commit: async (table, change) => {
          const done = await catalog.commit(table, change)
          if (isToDie) {
            isToDie = false
            await server.kill()
            void server.start()
            throw new Error('no answer')
          }
          return done
        },
      }
      let isToDie = false
      const { expected } = await archiveFlights(killing, async pass => {
        isToDie = pass % 2 === 0
      })
      const properties = {
        uri: server.endpoint,
        's3.endpoint': s3.endpoint,
        's3.access-key-id': s3.credentials.accessKeyId,
        's3.secret-access-key': s3.credentials.secretAccessKey,
        's3.region': 'us-east-1',
      }
      expect(await contentsByPython(properties)).toEqual(expected)
    } finally {
      client.destroy()
      await server.stop()
      await s3.stop()
    }
  })
})

describeWith(both, 'DuckDB, through a catalog', () => {
  test('varve query has each record once, before and after it is archived, and after others rewrote the table', async () => {
    const server = await startCatalogServer()
    const data = await mkdtemp(join(tmpdir(), 'varve-catalog-'))
    try {
      const archiveCatalog = `${server.endpoint}?namespace=lake`
      const config = readStoresConfig({ data, archiveCatalog })
      const put = (from: number, to: number) =>
        withLog(config, silentLogger, async ({ log }) => {
          const topic =
            (await log.topics.find({ name: 'flights' })) ??
            (await log.topics.create({
              name: 'flights',
              partitions: 1,
              configs: { 'varve.archive': 'iceberg', 'varve.archive.lag.ms': '0', 'varve.archive.schema': 'n:long' },
            }))
          const records = Array.from({ length: to - from }, (_, i) => ({ text: JSON.stringify({ n: from + i }) }))
          await append(log, topic, records)
        })
      const upkeep = () => runUpkeep(config, silentLogger, { withinMs: 60_000, dry: false, only: ['archive'] })
      const sums = async () => {
        const rows: unknown[] = []
        const options = { signal: new AbortController().signal, onProgress: () => {} }
        const sql = 'select count(*)::int, sum(n)::int, count(distinct "offset")::int from flights'
        await queryTopics(config, sql, options, async result => {
          for await (const row of result.rows) rows.push(row)
        })
        return rows[0]
      }
      await put(0, 100)
      expect(await sums()).toEqual([100, 4_950, 100])
      expect((await upkeep()).failed).toEqual([])
      await put(100, 200)
      expect(await sums()).toEqual([200, 19_900, 200])
      await python3('maintain_table.py', 'lake.flights', JSON.stringify({ uri: server.endpoint }))
      expect(await sums()).toEqual([200, 19_900, 200])
      expect((await upkeep()).failed).toEqual([])
      expect(await sums()).toEqual([200, 19_900, 200])
    } finally {
      await server.stop()
      await rm(data, { recursive: true, force: true })
    }
  })
})
