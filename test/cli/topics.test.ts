import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliResult, runCli } from '../support/cli.ts'
import type { TestServer } from '../support/server-process.ts'
import { createTestServer } from '../support/varve-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await createTestServer()
  await server.start()
})
afterAll(() => server?.stop())

function topics(...args: string[]): Promise<CliResult> {
  return runCli(['topics', ...args], { env: { VARVE_BOOTSTRAP: server.bootstrap } })
}

test('a topic is made, listed, described and deleted', async () => {
  expect(await topics('create', 'orders', '--partitions', '3', '--config', 'retention.ms=-1')).toEqual({
    code: 0,
    stdout: 'created orders\n',
    stderr: '',
  })
  const listed = JSON.parse((await topics('list', '--json')).stdout)
  expect(listed).toEqual([{ name: 'orders', partitions: 3, id: expect.stringMatching(/^[0-9a-f-]{36}$/) }])
  const described = JSON.parse((await topics('describe', 'orders', '--json')).stdout)
  expect(described).toMatchObject({ name: 'orders', id: listed[0].id, configs: { 'retention.ms': '-1' } })
  expect(described.partitions).toEqual(
    [0, 1, 2].map(partition => expect.objectContaining({ partition, start: 0, end: 0 })),
  )
  expect((await topics('delete', 'orders')).stdout).toBe('deleted orders\n')
  expect((await topics('list', '--json')).stdout).toBe('[]\n')
})

test('what people read is a table', async () => {
  await topics('create', 'table-a', 'table-b', '-p', '2')
  const { stdout } = await topics('list')
  expect(stdout).toMatch(/^TOPIC +PARTITIONS +ID\n/)
  expect(stdout).toMatch(/^table-a +2 +[0-9a-f-]{36}$/m)
  expect((await topics('describe', 'table-b')).stdout).toMatch(
    /^PARTITION +LEADER +START +END\n0 +\d+ +0 +0\n1 +\d+ +0 +0$/m,
  )
  await topics('delete', 'table-a', 'table-b')
})

test('a topic that exists is refused, or accepted where asked', async () => {
  await topics('create', 'twice')
  const refused = await topics('create', 'twice')
  expect(refused.stderr).toMatch(/exists already.*--if-not-exists/)
  expect(refused.code).toBe(1)
  expect(await topics('create', 'twice', '--if-not-exists')).toMatchObject({
    code: 0,
    stdout: 'exists already: twice\n',
  })
})

test.each([['describe'], ['delete']])('%s of a topic that does not exist says where to look', async command => {
  const { code, stderr } = await topics(command, 'nobody-made-it')
  expect(stderr).toMatch(/^Topic nobody-made-it does not exist: see `varve topics list`/)
  expect(code).toBe(1)
})

test('a name that Kafka does not allow is refused in words', async () => {
  const { code, stderr } = await topics('create', 'white space')
  expect(stderr).toMatch(/name is not allowed/)
  expect(code).toBe(1)
})

test('a topic is forked where it is asked for, and both go on alone', async () => {
  const produce = (topic: string, input: string) =>
    runCli(['produce', topic], { input, env: { VARVE_BOOTSTRAP: server.bootstrap } })
  await topics('create', 'parent', '--config', 'retention.ms=-1')
  for (const line of ['one', 'two', 'three']) await produce('parent', `${line}\n`)
  const forked = JSON.parse((await topics('fork', 'parent', 'child', '--json')).stdout)
  expect(forked).toMatchObject({ name: 'child', source: 'parent', partitions: [{ partition: 0, start: 0, end: 3 }] })
  await produce('parent', 'only in the parent\n')
  const early = await topics('fork', 'parent', 'early', '--at', '0:2', '--config', 'retention.ms=5')
  expect(early).toMatchObject({ code: 0, stderr: '' })
  expect(early.stdout).toMatch(/^forked parent into early\n\nPARTITION +START +END\n0 +0 +2\n$/)
  const { configs } = JSON.parse((await topics('describe', 'early', '--json')).stdout)
  expect(configs).toEqual({ 'retention.ms': '5', 'varve.fork.from': 'parent', 'varve.fork.at': '0:2' })
  const old = JSON.parse((await topics('fork', 'child', 'old', '--at', '2001-01-01T00:00:00Z', '--json')).stdout)
  expect(old.partitions).toEqual([{ partition: 0, start: 0, end: 0 }])
  await topics('delete', 'parent')
  expect(JSON.parse((await topics('describe', 'child', '--json')).stdout).partitions).toMatchObject([
    { start: 0, end: 3 },
  ])
  await topics('delete', 'child', 'early', 'old')
})

test.each([
  [['fork', 'nobody-made-it', 'x'], /^Topic nobody-made-it does not exist/],
  [['fork', 'a', 'b', '--at', 'yesterday'], /no point to fork at: use latest, a TIME/],
])('%j says what is wrong', async (args, message) => {
  const { code, stderr } = await topics(...args)
  expect(stderr).toMatch(message)
  expect(code).not.toBe(0)
})
