/** The Java client with a `client.rack` fetches from the gateway of its zone (KIP-392). */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apacheKafkaClassPath, apacheKafkaMissing } from '../support/apache-kafka.ts'
import { describeWith } from '../support/requirement.ts'
import { startTwoZones, type TwoZones } from '../support/two-zones.ts'

const run = promisify(execFile)

describeWith({ missing: await apacheKafkaMissing() }, 'the Java client', () => {
  let zones: TwoZones
  beforeAll(async () => {
    zones = await startTwoZones()
  })
  afterAll(() => zones.close())

  test.each(['near', 'far'] as const)('of the %s zone', { timeout: 120_000 }, async zone => {
    const rack = zones[zone]
    await run('java', [
      ...['-Xmx256m', '-cp', await apacheKafkaClassPath(), 'org.apache.kafka.tools.ConsumerPerformance'],
      ...['--bootstrap-server', `127.0.0.1:${zones.brokerIn(zones.near).port}`, '--topic', 't'],
      ...['--num-records', String(zones.records), '--command-property', `client.rack=${rack}`],
    ])
    expect(zones.takeReadAt()).toEqual([rack])
  })
})
