/** Other programs read our Avro files, and we read theirs: avsc's own streams stand for them. */
import avro from 'avsc'
import { expect, test } from 'vitest'
import { type AvroSchema, decodeAvroFile, encodeAvroFile } from '../../lib/archive/avro-file.ts'

const SCHEMA = {
  type: 'record',
  name: 'row',
  fields: [
    { name: 'name', type: 'string', 'field-id': 7 },
    { name: 'size', type: ['null', 'long'], default: null, 'field-id': 8 },
  ],
} as unknown as AvroSchema

function rowsOf(count: number) {
  return Array.from({ length: count }, (_, i) => ({ name: `file ${i} ${'x'.repeat(i % 300)}`, size: i % 3 ? i : null }))
}

async function readByOthers(bytes: Buffer) {
  const decoder = new avro.streams.BlockDecoder()
  const rows: unknown[] = []
  let head: { meta: Record<string, Buffer> } | undefined
  let blocks = 0
  decoder.on('metadata', (_type, _codec, header) => {
    head = header
  })
  decoder.on('block', () => blocks++)
  decoder.on('data', row => rows.push(row))
  decoder.end(bytes)
  await new Promise((resolve, reject) => decoder.on('end', resolve).on('error', reject))
  return { rows, blocks, meta: head!.meta }
}

test.each([0, 1, 5_000])('%i rows are read by others, with what the head says', async count => {
  const { rows, blocks, meta } = await readByOthers(encodeAvroFile(SCHEMA, { content: 'data' }, rowsOf(count)))
  expect(rows).toEqual(rowsOf(count))
  expect(blocks > 1).toBe(count === 5_000)
  expect(String(meta.content)).toBe('data')
  expect(JSON.parse(String(meta['avro.schema']))).toEqual(SCHEMA)
})

test.each([0, 1, 5_000])("others' %i rows are read", async count => {
  const encoder = new avro.streams.BlockEncoder(SCHEMA, { codec: 'deflate', writeHeader: true } as never)
  const parts: Buffer[] = []
  encoder.on('data', part => parts.push(part))
  for (const row of rowsOf(count)) encoder.write(row)
  encoder.end()
  await new Promise(resolve => encoder.on('end', resolve))
  expect(decodeAvroFile(Buffer.concat(parts))).toEqual(rowsOf(count))
})

test('whole numbers of all 64 bits are exact, and those that a number holds are numbers', () => {
  const schema = { type: 'record' as const, name: 'row', fields: [{ name: 'id', type: ['null', 'long'] as never }] }
  const ids = [null, 0, -1, 2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]
  const rows = ids.map(id => ({ id }))
  expect(decodeAvroFile(encodeAvroFile(schema, {}, rows))).toEqual(rows)
})

test('the same rows are the same bytes', () => {
  const encode = () => encodeAvroFile(SCHEMA, { content: 'data' }, rowsOf(10))
  expect(encode()).toEqual(encode())
})

test('what is cut or changed is refused, not read in part', () => {
  const whole = encodeAvroFile(SCHEMA, {}, rowsOf(10))
  const head = encodeAvroFile(SCHEMA, {}, []).length
  for (let length = 0; length < whole.length; length++) {
    if (length === head) continue
    expect(() => decodeAvroFile(whole.subarray(0, length)), `${length} bytes`).toThrow()
  }
  const marked = Buffer.from(whole)
  marked[marked.length - 1]! ^= 1
  expect(() => decodeAvroFile(marked)).toThrow('not whole')
})
