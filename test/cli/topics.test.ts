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
