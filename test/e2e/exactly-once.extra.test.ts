/**
 * Apache Kafka's own client by the second protocol (KIP-890): consume, transform, produce, with offsets in the transaction
 * (KIP-447), while the server or the application is killed. Each record of the input comes out exactly once.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apacheKafkaClassPath, apacheKafkaMissing } from '../support/apache-kafka.ts'
import { describeWith } from '../support/requirement.ts'
import { ServerProcess, type TestServer } from '../support/server-process.ts'
import { createTestServer } from '../support/varve-server.ts'

const program = join(import.meta.dirname, 'members/ExactlyOnce.java')
const records = 2_000
const missing = await apacheKafkaMissing()

describeWith({ missing }, 'a Java application, exactly once', () => {
  let server: TestServer
  let classPath: string

  beforeAll(async () => {
    classPath = await apacheKafkaClassPath()
    server = await createTestServer()
    await server.start()
  })

  afterAll(() => server.stop())

  function run(...args: readonly string[]): ServerProcess {
    return new ServerProcess('java', ['-cp', classPath, program, server.bootstrap, ...args])
  }

  /** What it says about its end. */
  async function finish(...args: readonly string[]): Promise<string> {
    const process = run(...args)
    const line = await process.line(/^DONE /)
    await process.end('SIGTERM')
    return line
  }

  test('nothing is lost, and nothing comes twice', async () => {
    expect(await finish('fill', 'input', `${records}`)).toBe(`DONE filled ${records}`)
    // Killed and started again: the application first, then the server under it, then both go on to the end.
    const first = run('transform', 'input', 'output', `${records}`)
    await first.line(/^COMMITTED 5$/)
    await first.end('SIGKILL')
    const second = run('transform', 'input', 'output', `${records}`)
    for (const transactions of [5, 15, 30]) {
      await second.line(new RegExp(`^COMMITTED ${transactions}$`))
      await server.kill()
      await server.start()
    }
    await second.line(/^DONE /)
    await second.end('SIGTERM')
    expect(await finish('read', 'output', `${records}`)).toBe(`DONE read ${records} distinct ${records} in order true`)
  })

  test('an aborted transaction is never seen, and a late producer is fenced', async () => {
    expect(await finish('fence', 'fenced')).toBe('DONE fenced ProducerFencedException read [second]')
    expect(await finish('abort', 'aborted')).toBe('DONE aborted read [b, d]')
  })
})
