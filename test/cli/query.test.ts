import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { openLog } from '../../lib/log/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'
import { append, START } from '../archive/rig.ts'
import { runCli } from '../support/cli.ts'

let folder: string

async function withLog(work: (log: ReturnType<typeof openLog>) => Promise<void>): Promise<void> {
  const objects = await openFileObjects({ folder, random: systemRandom })
  const items = await openLmdbItems({ folder: join(folder, 'items'), clock: systemClock, random: systemRandom })
  const parts = { objects, items, clock: systemClock, random: systemRandom, logger: silentLogger }
  const log = openLog({ ...parts, flushBudget: Number.POSITIVE_INFINITY })
  await work(log)
  await log.close()
  await objects.close()
  await items.close()
}

/** A topic of which the first half is archived, one without an archive, and one without records. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-query-'))
  const keep = { 'retention.ms': '-1' }
  const archive = { ...keep, 'varve.archive': 'iceberg', 'varve.archive.lag.ms': '0', 'varve.archive.schema': 'n:long' }
  await withLog(async log => {
    const topic = await log.topics.create({ name: 'half', partitions: 2, configs: archive })
    for (let i = 0; i < 10; i++)
      await append(log, topic, [{ text: `{"n":${i},"s":"a,\\"b"}`, timestamp: START + i }], i % 2)
    const plain = await log.topics.create({ name: 'plain-1', partitions: 1, configs: keep })
    const odd = { key: Buffer.from([0xff, 0x41]), headers: [{ key: 'h', value: Buffer.from('v') }] }
    await append(log, plain, [{ text: 'x' }, { ...odd, text: 'y' }, {}])
    await log.topics.create({ name: 'empty', partitions: 1, configs: archive })
  })
  expect((await varve('upkeep', '--only', 'archive')).stdout).toMatch(/^archive {2}half {2}\(archived: 10 records/)
  await withLog(async log => {
    const topic = (await log.topics.find({ name: 'half' }))!
    await log.topics.changeConfigs('half', configs => ({ ...configs, 'varve.archive.schema': 'n:double,s:string' }))
    for (let i = 10; i < 15; i++)
      await append(log, topic, [{ text: `{"n":${i},"s":"later"}`, timestamp: START + i }], i % 2)
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function varve(...args: string[]) {
  return runCli([...args, '--data', folder])
}

test('archived and live records are one table, each record once', async () => {
  const { stdout } = await varve('query', 'select partition, "offset", value from half order by timestamp', '--json')
  const rows = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(rows.map(({ partition, offset, value }) => [partition, offset, JSON.parse(value).n])).toEqual(
    Array.from({ length: 15 }, (_, i) => [i % 2, Math.floor(i / 2), i]),
  )
})

test('columns are those of the schema of now', async () => {
  const { stdout } = await varve(
    'query',
    'select count(n) as new_n, count(s) as new_s, max(n) as m from HALF',
    '--format',
    'csv',
  )
  expect(stdout).toBe('new_n,new_s,m\n5,5,14\n')
})

test('a topic without an archive is a table too, and what is no UTF-8 is shown as such', async () => {
  const sql = `select "offset", timestamp, key, value, headers from "plain-1"`
  const { stdout } = await varve('query', sql, '--format', 'json')
  const timestamp = new Date(START).toISOString()
  expect(
    stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toEqual([
    { offset: 0, timestamp, key: null, value: 'x', headers: [] },
    { offset: 1, timestamp, key: '\\xFFA', value: 'y', headers: [{ key: 'h', value: 'v' }] },
    { offset: 2, timestamp, key: null, value: null, headers: [] },
  ])
})

test('topics are joined, and one without records has its columns', async () => {
  const sql = 'select a.n, e.n as other from half a left join empty e using ("offset") order by 1 limit 1'
  expect(await varve('query', sql)).toEqual({ code: 0, stdout: 'n   other\n10\n1 rows\n', stderr: '' })
})

test('topics may be named anywhere, and in other statements than SELECT', async () => {
  const sql = `with a as (select * from half) select (select count(*) from "plain-1") as n, count(*) as m from a`
  expect((await varve('query', sql, '--format', 'csv')).stdout).toBe('n,m\n3,15\n')
  expect((await varve('query', 'describe half', '--format', 'csv')).stdout).toContain('offset,BIGINT')
})

test.each([
  ['a table that is no topic', 'select * from nowhere', /Table with name nowhere does not exist/],
  ['what is no SQL', 'selec 1', /syntax error at or near "selec"/],
])('%s is told in DuckDB’s words', async (_, sql, why) => {
  const { code, stderr } = await varve('query', sql)
  expect([code, stderr]).toEqual([1, expect.stringMatching(why)])
})
