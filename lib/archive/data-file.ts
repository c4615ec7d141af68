/**
 * One Parquet file of the archive, made in memory: rows gather to row groups, row groups to the file. What it holds of
 * memory is told by `bytes`, so that whoever fills many of them can bound the sum.
 */
import { zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { ArchiveColumn } from '../log/index.ts'
import type { BatchRecord } from '../records/index.ts'
import type { DataFile } from './manifest.ts'
import { type IcebergSchema, parquetSchema } from './table-schema.ts'
import { type ColumnValue, unfold } from './unfold.ts'

/** A row group ends at so many bytes of records: as long as the encoding of one holds up the process. */
const GROUP_BYTES = 1_024 * 1_024
const GROUP_ROWS = 5_000
/** What a row takes beside its bytes, about. */
const ROW_OVERHEAD_BYTES = 100
const MICROS = 1_000n

interface Rows {
  readonly partition: number[]
  readonly offset: bigint[]
  readonly timestamp: (bigint | null)[]
  readonly key: (Buffer | null)[]
  readonly value: (Buffer | null)[]
  readonly headers: BatchRecord['headers'][]
  readonly unfolded: ColumnValue[][]
}

export class DataFileBuilder {
  readonly #columns: readonly ArchiveColumn[]
  readonly #output = new GroupedWriter()
  readonly #parquet: ParquetWriter
  readonly #splits: number[] = []
  #rows: Rows
  #pendingBytes = 0
  #count = 0
  readonly #bounds = { partition: new Bounds(), offset: new Bounds(), timestamp: new Bounds() }
  #withoutTimestamp = 0

  constructor(schema: IcebergSchema, columns: readonly ArchiveColumn[]) {
    this.#columns = columns
    this.#rows = noRows(columns)
    this.#parquet = new ParquetWriter({
      writer: this.#output,
      schema: parquetSchema(schema),
      codec: 'ZSTD',
      compressors: { ZSTD: bytes => zstdCompressSync(bytes) },
      createdBy: 'varve',
    })
  }

  /** Held in memory. */
  get bytes(): number {
    return this.#pendingBytes + this.#output.offset
  }

  add(partition: number, { offset, timestamp, key, value, headers }: BatchRecord): void {
    const rows = this.#rows
    rows.partition.push(partition)
    rows.offset.push(BigInt(offset))
    rows.timestamp.push(timestamp < 0 ? null : BigInt(timestamp) * MICROS)
    // Copies: a view of one record would keep all that was read with it.
    rows.key.push(copyOf(key))
    rows.value.push(copyOf(value))
    rows.headers.push(headers.map(header => ({ key: header.key, value: copyOf(header.value) })))
    if (this.#columns.length > 0) {
      for (const [at, found] of unfold(value, this.#columns).entries()) rows.unfolded[at]!.push(found)
    }
    this.#bounds.partition.add(partition)
    this.#bounds.offset.add(offset)
    if (timestamp < 0) this.#withoutTimestamp++
    else this.#bounds.timestamp.add(timestamp)
    this.#count++
    this.#pendingBytes += ROW_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
    for (const header of headers) this.#pendingBytes += header.key.length + (header.value?.length ?? 0)
    if (this.#pendingBytes >= GROUP_BYTES || rows.offset.length >= GROUP_ROWS) this.#endGroup()
  }

  /** The file's bytes, and what a manifest says of it. Nothing may be added after. */
  finish(): { readonly parts: readonly Uint8Array[]; readonly summary: Omit<DataFile, 'uri' | 'day'> } {
    this.#endGroup()
    this.#parquet.finish()
    const parts = this.#output.take()
    const { partition, offset, timestamp } = this.#bounds
    return {
      parts,
      summary: {
        records: this.#count,
        bytes: this.#output.offset,
        splits: this.#splits,
        partitions: partition.range(),
        offsets: offset.range(),
        timestamps: timestamp.range(),
        withoutTimestamp: this.#withoutTimestamp,
      },
    }
  }

  #endGroup(): void {
    const { unfolded, ...rows } = this.#rows
    if (rows.offset.length === 0) return
    this.#splits.push(this.#output.offset)
    this.#parquet.write({
      rowGroupSize: rows.offset.length,
      columnData: [
        { name: 'partition', data: rows.partition },
        { name: 'offset', data: rows.offset, encoding: 'DELTA_BINARY_PACKED' },
        { name: 'timestamp', data: rows.timestamp, encoding: 'DELTA_BINARY_PACKED' },
        { name: 'key', data: rows.key },
        { name: 'value', data: rows.value, encoding: 'PLAIN', statistics: false },
        { name: 'headers', data: rows.headers as BatchRecord['headers'][] },
        ...this.#columns.map(({ name }, at) => ({ name, data: unfolded[at]! })),
      ],
    })
    this.#rows = noRows(this.#columns)
    this.#pendingBytes = 0
  }
}

function noRows(columns: readonly ArchiveColumn[]): Rows {
  const unfolded = columns.map(() => [])
  return { partition: [], offset: [], timestamp: [], key: [], value: [], headers: [], unfolded }
}

function copyOf(bytes: Buffer | null): Buffer | null {
  return bytes && Buffer.from(bytes)
}

class Bounds {
  #least = Number.POSITIVE_INFINITY
  #most = Number.NEGATIVE_INFINITY

  add(value: number): void {
    this.#least = Math.min(this.#least, value)
    this.#most = Math.max(this.#most, value)
  }

  range(): readonly [number, number] | undefined {
    return this.#least <= this.#most ? [this.#least, this.#most] : undefined
  }
}

/** Gives up its buffer after each row group, so that a growing file is not copied again and again. */
class GroupedWriter extends ByteWriter {
  readonly #parts: Uint8Array[] = []

  flush(): void {
    this.#parts.push(this.getBytes().slice())
    this.index = 0
  }

  override finish(): void {
    this.flush()
  }

  take(): readonly Uint8Array[] {
    return this.#parts
  }
}
