import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'

const nobody = '127.0.0.1:1'

test('help names every command', async () => {
  const { code, stdout } = await runCli(['--help'])
  expect(code).toBe(0)
  for (const command of ['start', 'topics', 'produce', 'tail', 'keys', 'groups'])
    expect(stdout).toContain(`  ${command}`)
})

test('the version is that of the package', async () => {
  expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  [['nonsense'], /unknown command 'nonsense'/],
  [['topics', 'create', 'a', '--partitions', '0'], /"0" is not a whole number from 1/],
  [['tail', 'a', '--from', 'tomorrow'], /"tomorrow" is no position/],
  [['tail', 'a', '--format', 'xml'], /Allowed choices are text, json, raw/],
  [['produce', 'a', '--format', 'record', '--key', 'id'], /leave --key and --key-separator out/],
  [['groups', 'reset', 'g', '--to', 'latest', '--partition', '1'], /--partition needs --topic/],
  [['topics', 'list', '--bootstrap', 'nowhere'], /must be HOST:PORT/],
])('wrong usage, %j, is told in words and ends with 2', async (args, sentence) => {
  const { code, stdout, stderr } = await runCli(args)
  expect(stderr).toMatch(sentence)
  expect(stdout).toBe('')
  expect(code).toBe(2)
})

test('a server that is not there is one sentence that says what to do, and ends with 1', async () => {
  const { code, stdout, stderr } = await runCli(['topics', 'list'], { env: { VARVE_BOOTSTRAP: nobody } })
  expect(stderr).toBe(
    `Cannot reach a Kafka server at ${nobody}: start one with \`varve start\`, or name another with --bootstrap HOST:PORT.\n`,
  )
  expect(stdout).toBe('')
  expect(code).toBe(1)
})

test('work that takes longer than a second says so where --progress asks for it', async () => {
  const sockets = new Set<Socket>()
  const silent = createServer(socket => sockets.add(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const bootstrap = `127.0.0.1:${(silent.address() as AddressInfo).port}`
  const cli = spawnCli(['topics', 'list', '--bootstrap', bootstrap, '--progress'])
  const [line] = await once(cli.stderr.setEncoding('utf8'), 'data')
  expect(line).toBe(`waiting for ${bootstrap}\n`)
  cli.kill()
  for (const socket of sockets) socket.destroy()
  await once(silent.close(), 'close')
})
