/**
 * A real Apache Kafka 4.4 and Varve give the same answers to the same requests, but for the differences that are accepted; and each of the
 * broker's frames, decoded and encoded again, is the same bytes.
 */
import { expect, test } from 'vitest'
import { apacheKafkaMissing, createApacheKafka } from '../support/apache-kafka.ts'
import { describeWith } from '../support/requirement.ts'
import { createVarveServer } from '../support/varve-server.ts'
import { compareServers, reportOf } from './side-by-side.ts'

describeWith({ missing: await apacheKafkaMissing() }, 'side by side with Apache Kafka', () => {
  test('every answer is the same', { timeout: 1_200_000 }, async () => {
    const [kafka, varve] = await Promise.all([createApacheKafka({ heapMegabytes: 512 }), createVarveServer()])
    try {
      await Promise.all([kafka.start(), varve.start()])
      const [kafkaPort, varvePort] = [kafka, varve].map(({ bootstrap }) => Number(bootstrap.split(':')[1]))
      const result = await compareServers({ kafkaPort: kafkaPort!, varvePort: varvePort! })
      console.log(reportOf(result))
      expect(result.unexpected).toEqual([])
      expect(result.otherBytes).toEqual([])
      expect(result.requests).toBeGreaterThan(2_000)
    } finally {
      await Promise.all([kafka.stop(), varve.stop()])
    }
  })
})
