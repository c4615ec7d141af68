/** Batches of another implementation, @platformatic/kafka's public encoder and decoder, both ways. */
import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  COMPRESSIONS,
  type NewRecord,
  readRecords,
  validateBatch,
  validateRecords,
} from '../../lib/records/index.ts'
import { asRead, newRecord, printable } from './arbitraries.ts'

const records = fc.array(newRecord, { minLength: 1, maxLength: 10 })

/** It takes headers as a map, so their keys must differ, and it encodes timestamps wrongly that are 2^31 ms apart. */
const foreignRecords = records.map(list =>
  list.map(({ headers = [], ...record }, index) => ({
    ...record,
    timestamp: 1_700_000_000_000 + ((index * 7_919_000_003) % 2 ** 31),
    headers: [...new Map(headers.map(header => [header.key, header])).values()],
  })),
)

describe.each(COMPRESSIONS)('%s', compression => {
  test('its batches are valid here and hold the same records', () => {
    fc.assert(
      fc.property(foreignRecords, sent => {
        const bytes = createRecordsBatch(sent.map(toMessage), { compression, producerId: 5n, producerEpoch: 1 }).buffer
        const view = validateBatch(bytes)
        validateRecords(view)
        expect(view).toMatchObject({ compression, producerId: 5, producerEpoch: 1, baseSequence: 0 })
        expect(printable(readRecords(view))).toEqual(asRead(sent))
      }),
      { numRuns: 50 },
    )
  })

  test('our batches are read there with the same records', () => {
    fc.assert(
      fc.property(records, sent => {
        const read = readRecordsBatch(Reader.from(buildBatch({ records: sent, compression })))
        const theirs = read.records.map(record => ({
          offset: record.offsetDelta,
          timestamp: Number(read.firstTimestamp + record.timestampDelta),
          key: hex(record.key),
          value: hex(record.value),
          headers: record.headers.map(([key, value]) => ({ key: String(key ?? ''), value: hex(value) })),
        }))
        expect(theirs).toEqual(asRead(sent))
      }),
      { numRuns: 50 },
    )
  })
})

function toMessage({ timestamp, key, value, headers = [] }: NewRecord) {
  const message = {
    topic: 't',
    timestamp: BigInt(timestamp),
    headers: new Map(headers.map(header => [Buffer.from(header.key), header.value as Buffer])),
  }
  return { ...message, key: key as Buffer, value: value as Buffer }
}

function hex(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('hex')
}
