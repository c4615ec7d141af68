/** Batches as Apache Kafka 4.4's own Java client wrote them, one for each compression. */
import { expect, test } from 'vitest'
import { type Compression, readRecords, validateBatch, validateRecords } from '../../lib/records/index.ts'
import { asRead, printable } from './arbitraries.ts'

const written: Record<Compression, string> = {
  none: 'AAAAAAAAAAAAAAE3/////wIl+1a0AAAAAAACAAABi8/laAAAAAGLz+VoCQAAAAAAAAAEAAIAAAAHAAAAA1IAAAAGRFRXLnZhcnZlIHZhcnZlIHZhcnZlIHZhcnZlBAJoAQTDqQQBAhQA/4/fwEoCAQEAngMAEgQAkAMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  gzip: 'AAAAAAAAAAAAAAB3/////wL0wDMyAAEAAAACAAABi8/laAAAAAGLz+VoCQAAAAAAAAAEAAIAAAAHAAAAAx+LCAAAAAAAAP8LYmBgYHMJCdcrSywqS1XAIFmYMhhZDq9kYWQSYfjff/+AFxMjI8M8ZgYhFoYJzAzDBQAAuEjQeQYBAAA=',
  snappy:
    'AAAAAAAAAAAAAACE/////wKiuy66AAIAAAACAAABi8/laAAAAAGLz+VoCQAAAAAAAAAEAAIAAAAHAAAAA4JTTkFQUFkAAAAAAQAAAAEAAAA/hgI4UgAAAAZEVFcudmFydmUgQgYAdAQCaAEEw6kEAQIUAP+P38BKAgEBAJ4DABIEAJADAP4BAP4BAP4BABEB',
  lz4: 'AAAAAAAAAAAAAAB8/////wJYbfx4AAMAAAACAAABi8/laAAAAAGLz+VoCQAAAAAAAAAEAAIAAAAHAAAAAwQiTRhgQII8AAAA/QBSAAAABkRUVy52YXJ2ZSAGAP8PBAJoAQTDqQQBAhQA/4/fwEoCAQEAngMAEgQAkAMAAQCwUAAAAAAAAAAAAA==',
  zstd: 'AAAAAAAAAAAAAAB1/////wKq2FORAAQAAAACAAABi8/laAAAAAGLz+VoCQAAAAAAAAAEAAIAAAAHAAAAAyi1L/0AWMQBANQCUgAAAAZEVFcudmFydmUgBAJoAQTDqQQBAhQA/4/fwEoCAQEAngMAEgQAkAMAAgAWcZSTudQBAQAA',
}

const records = [
  {
    timestamp: 1_700_000_000_000,
    key: Buffer.from('DTW'),
    value: Buffer.from('varve varve varve varve'),
    headers: [
      { key: 'h', value: null },
      { key: 'é', value: Buffer.from([1, 2]) },
    ],
  },
  { timestamp: 1_690_000_000_000, key: null, value: null },
  { timestamp: 1_700_000_000_009, key: Buffer.alloc(0), value: Buffer.alloc(200) },
]

test.each(Object.entries(written))('%s', (compression, base64) => {
  const view = validateBatch(Buffer.from(base64, 'base64'))
  expect(view).toMatchObject({ compression, recordCount: 3, producerId: 4, producerEpoch: 2, baseSequence: 7 })
  expect(view.maxTimestamp).toBe(validateRecords(view).maxTimestamp)
  expect(printable(readRecords(view))).toEqual(asRead(records))
})
