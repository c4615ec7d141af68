/** Avro's object container files, as Iceberg's manifests are: a schema with field ids, and metadata, in their head. */
import avro from 'avsc'

/** An Avro schema as JSON; attributes that Avro does not know (`field-id`) are kept in the file. */
export type AvroSchema = avro.Schema

export async function encodeAvroFile(
  schema: AvroSchema,
  metadata: Readonly<Record<string, string>>,
  rows: readonly unknown[],
): Promise<Buffer> {
  const encoder = new avro.streams.BlockEncoder(schema, {
    codec: 'deflate',
    writeHeader: true,
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, Buffer.from(text)])),
  } as ConstructorParameters<typeof avro.streams.BlockEncoder>[1])
  const parts: Buffer[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  encoder.on('data', (part: Buffer) => parts.push(part))
  encoder.on('end', resolve)
  encoder.on('error', reject)
  for (const row of rows) encoder.write(row)
  encoder.end()
  await promise
  return Buffer.concat(parts)
}

/** Longs are numbers: those of ours are below 2^53. */
export async function decodeAvroFile(bytes: Uint8Array): Promise<unknown[]> {
  const decoder = new avro.streams.BlockDecoder()
  const rows: unknown[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  decoder.on('data', (row: unknown) => rows.push(row))
  decoder.on('end', resolve)
  decoder.on('error', reject)
  decoder.end(Buffer.from(bytes))
  await promise
  return rows
}
