/** Sorts records into data files by the day of their timestamp, and puts each file when it is full or its memory is needed. */
import type { ArchiveColumn } from '../log/index.ts'
import type { BatchRecord } from '../records/index.ts'
import type { PublishedFiles } from '../storage/index.ts'
import { DataFileBuilder } from './data-file.ts'
import type { DataFile } from './manifest.ts'
import type { IcebergSchema } from './table-schema.ts'

export interface DayFilesOptions {
  readonly files: PublishedFiles
  /** What the names of all files begin with. */
  readonly prefix: string
  readonly schema: IcebergSchema
  readonly columns: readonly ArchiveColumn[]
  /** A file is put at about so many bytes … */
  readonly fileBytes: number
  /** … or when all together hold so many, the largest first. */
  readonly memoryBytes: number
}

const DAY_MS = 86_400_000
const DAYS_OPEN_MAX = 64

type Day = number | null

export class DayFiles {
  readonly #options: DayFilesOptions
  readonly #open = new Map<Day, DataFileBuilder>()
  readonly #done: DataFile[] = []

  constructor(options: DayFilesOptions) {
    this.#options = options
  }

  /** Files that are stored or begun. */
  get count(): number {
    return this.#done.length + this.#open.size
  }

  /** @throws StoreError */
  async add(partition: number, record: BatchRecord): Promise<void> {
    const day = record.timestamp < 0 ? null : Math.floor(record.timestamp / DAY_MS)
    const { schema, columns, fileBytes, memoryBytes } = this.#options
    let file = this.#open.get(day)
    if (!file) {
      file = new DataFileBuilder(schema, columns)
      this.#open.set(day, file)
    }
    file.add(partition, record)
    if (file.bytes >= fileBytes) await this.#put(day, file)
    while (this.#open.size > DAYS_OPEN_MAX || this.#held() > memoryBytes) await this.#putLargest()
  }

  /** Stores what is left, and tells of all files. @throws StoreError */
  async finish(): Promise<readonly DataFile[]> {
    for (const [day, file] of this.#open) await this.#put(day, file)
    return this.#done
  }

  #held(): number {
    let sum = 0
    for (const { bytes } of this.#open.values()) sum += bytes
    return sum
  }

  async #putLargest(): Promise<void> {
    const [day, file] = [...this.#open].reduce((largest, one) => (one[1].bytes > largest[1].bytes ? one : largest))
    await this.#put(day, file)
  }

  async #put(day: Day, file: DataFileBuilder): Promise<void> {
    const { files, prefix } = this.#options
    this.#open.delete(day)
    const { parts, summary } = file.finish()
    const label = day === null ? 'undated' : dayText(day)
    const name = `${prefix}-${label}-${this.#done.length}.parquet`
    await files.put(name, parts)
    this.#done.push({ ...summary, uri: files.uri(name), day })
  }
}

/** `2026-11-26`; Iceberg's days reach further than that format does. */
function dayText(day: number): string {
  const ms = day * DAY_MS
  return Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString().slice(0, 10).replace('+', 'y') : `day${day}`
}
