/**
 * Real records for tests: US flights of the early 2000s, out of the npm package vega-datasets. `smallFlights` are the 20,000 of
 * flights-20k.json, `manyFlights` the three million of flights-3m.parquet; both in the order of the file, in one form.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { asyncBufferFromFile, type Compressors, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'

export interface Flight {
  /** Local time of departure, `2001/01/31 23:59`. */
  readonly date: string
  /** Minutes late; negative: early. */
  readonly delay: number
  /** In miles. */
  readonly distance: number
  /** Airport's IATA code. */
  readonly origin: string
  readonly destination: string
}

export const SMALL_FLIGHTS = 20_000
export const MANY_FLIGHTS = 3_000_000

const folder = join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data')

export async function* smallFlights(): AsyncGenerator<Flight, void, undefined> {
  yield* JSON.parse(await readFile(join(folder, 'flights-20k.json'), 'utf8')) as Flight[]
}

/** Holds one of the file's row groups at a time, about 270,000 flights. */
export async function* manyFlights(): AsyncGenerator<Flight, void, undefined> {
  const file = await asyncBufferFromFile(join(folder, 'flights-3m.parquet'))
  const metadata = await parquetMetadataAsync(file)
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const rows = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd })
    for (const row of rows) yield flightOf(row)
    rowStart = rowEnd
  }
}

const compressors: Compressors = { ZSTD: input => zstdDecompressSync(input) }

function flightOf(row: Record<string, unknown>): Flight {
  const { date, delay, distance, origin, destination } = row
  return {
    date: (date as Date).toISOString().slice(0, 16).replace('T', ' ').replaceAll('-', '/'),
    delay: Number(delay),
    distance: Number(distance),
    origin: String(origin),
    destination: String(destination),
  }
}
