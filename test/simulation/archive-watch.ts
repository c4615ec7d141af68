/**
 * Reads archives as others do who know the published folder alone, at each moment that it changes: what a table's metadata names
 * must be there, and what was published before must not come back. The tables that were seen become a part of the history,
 * which the checker compares with what clients know.
 *
 * A hint that comes late, or that was sent by one who could know of nothing newer, is allowed, and must be mended in the end.
 */
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { ARCHIVES, decodeArchive } from '../../lib/archive/archive-item.ts'
import { decodeAvroFile } from '../../lib/archive/avro-file.ts'
import type { WriteOperation } from '../../lib/storage/index.ts'
import type { ArchivedRecord, Operation, Violation } from './checker/index.ts'
import type { Process } from './world/process.ts'
import { FILES_URI } from './world/published-files.ts'
import type { StoreObserver, Truth } from './world/stores.ts'
import type { World } from './world/world.ts'

const HINT = 'version-hint.text'

interface Table {
  readonly topic: string
  folder: string
  /** Of the pointer. */
  edition: number
  metadata: string
  offsets: readonly number[]
  isGone: boolean
  /** What each process read last was so new. */
  readonly known: Map<Process, number>
}

interface Metadata {
  readonly 'current-snapshot-id': number
  readonly snapshots: readonly { readonly 'snapshot-id': number; readonly 'manifest-list': string }[]
}

export class ArchiveWatch {
  readonly #world: World
  readonly #truth: Truth
  readonly #history: Operation[]
  readonly #violations: Violation[]
  readonly #snapshotsKept: number
  readonly #tables = new Map<string, Table>()
  /** Of what they name, and what they hold, by name: a file never changes. */
  readonly #named = new Map<string, readonly string[]>()
  readonly #dataFiles = new Map<string, Uint8Array>()
  readonly #seen: { readonly table: Table; readonly edition: number; readonly at: number; readonly files: string[] }[] =
    []

  constructor(options: {
    readonly world: World
    readonly truth: Truth
    readonly history: Operation[]
    readonly violations: Violation[]
    readonly snapshotsKept: number
  }) {
    this.#world = options.world
    this.#truth = options.truth
    this.#history = options.history
    this.#violations = options.violations
    this.#snapshotsKept = options.snapshotsKept
  }

  readonly observer: Required<Pick<StoreObserver, 'got' | 'lookedAt' | 'publishes' | 'published' | 'unpublished'>> = {
    got: ({ pk, sk }, by) => {
      const table = pk === ARCHIVES ? this.#tables.get(sk) : undefined
      table?.known.set(by, table.edition)
    },
    lookedAt: (name, by) => {
      const table = this.#tableOf(name)
      table?.known.set(by, table.edition)
    },
    publishes: (name, bytes, by) => {
      const table = this.#tableOf(name)
      if (!table || !name.endsWith(HINT)) return
      const [edition, known] = [editionOf(bytes), table.known.get(by) ?? 0]
      if (edition < known)
        this.#report('older-table', `${by.name} publishes ${edition} of ${table.folder} after ${known}`)
    },
    published: (name, bytes, before) => {
      if (name.endsWith(HINT)) {
        this.#world.count('table published')
        const table = this.#tableOf(name)
        if (table) this.#look(table, editionOf(bytes))
      } else if (before && !Buffer.from(before).equals(bytes)) {
        this.#report('changed-file', `${name} is another one`)
      }
    },
    unpublished: names => {
      for (const table of new Set(names.map(name => this.#tableOf(name)))) {
        if (!table) continue
        const hint = this.#truth.files.get(`${table.folder}/metadata/${HINT}`)
        if (hint) this.#look(table, editionOf(hint))
        if (table.metadata !== '') this.#filesOf(table, table.metadata, { allSnapshots: true })
      }
    },
  }

  wrote(operations: readonly WriteOperation[]): void {
    for (const operation of operations) {
      const { kind, key } = operation
      if (kind === 'check' || key.pk !== ARCHIVES) continue
      const table = this.#tables.get(key.sk)
      if (kind === 'delete') {
        if (table) table.isGone = true
        continue
      }
      const { topicName, edition, metadata, offsets } = decodeArchive(operation.value)
      const next = { topic: key.sk, folder: `${topicName}/${key.sk}`, edition, metadata, offsets, isGone: false }
      if (table && !table.isGone && (edition < table.edition || table.offsets.some((to, i) => to > (offsets[i] ?? 0))))
        this.#report('older-table', `the pointer of ${table.folder} goes from ${table.edition} to ${edition}`)
      const isNew = metadata !== '' && metadata !== table?.metadata
      if (table) Object.assign(table, next)
      else this.#tables.set(key.sk, { ...next, known: new Map() })
      if (!isNew) continue
      this.#world.count('table committed')
      this.#filesOf(this.#tables.get(key.sk)!, metadata, { allSnapshots: true })
    }
  }

  /** `topics`: whose tables must have all that their logs have by now. */
  async finish(topics: readonly string[]): Promise<void> {
    const records = new Map<string, readonly ArchivedRecord[]>()
    for (const [name, bytes] of this.#dataFiles) records.set(name, await readDataFile(bytes))
    for (const { table, edition, at, files } of this.#seen) this.#tell(table.topic, { edition, at, files, records })
    for (const topic of topics) {
      const table = this.#tables.get(topic)
      const hint = table && this.#truth.files.get(`${table.folder}/metadata/${HINT}`)
      const edition = hint ? editionOf(hint) : 0
      if (table && edition !== table.edition)
        this.#report('older-table', `${edition} of ${table.folder} is published in the end, not ${table.edition}`)
      const files = edition > 0 ? this.#filesOf(table!, `metadata/v${edition}.metadata.json`, {}) : []
      this.#tell(topic, { edition, at: this.#world.tick(), files, records, isFinal: true })
    }
  }

  #tell(
    topic: string,
    {
      edition,
      at,
      files,
      records,
      isFinal = false,
    }: {
      readonly edition: number
      readonly at: number
      readonly files: readonly string[]
      readonly records: ReadonlyMap<string, readonly ArchivedRecord[]>
      readonly isFinal?: boolean
    },
  ): void {
    const all = files.flatMap(name => records.get(name) ?? [])
    this.#history.push({ kind: 'archived', topic, edition, records: all, isFinal, invoked: at, completed: at })
  }

  #tableOf(name: string): Table | undefined {
    return this.#tables.get(name.split('/')[1]!)
  }

  /** What a reader of the folder finds. One that is older than what is kept may be gone: its hint came late. */
  #look(table: Table, edition: number): void {
    if (table.edition - edition >= this.#snapshotsKept) return
    if (edition < table.edition) this.#world.count('older table published')
    const name = `metadata/v${edition}.metadata.json`
    const files = this.#filesOf(table, name, { allSnapshots: edition === table.edition })
    this.#seen.push({ table, edition, at: this.#world.tick(), files })
  }

  /** Data files of the current snapshot; those of the others must be there too. */
  #filesOf(table: Table, metadata: string, { allSnapshots = false }): string[] {
    const bytes = this.#bytesOf(table, `${table.folder}/${metadata}`, table.folder)
    if (!bytes) return []
    const { 'current-snapshot-id': current, snapshots }: Metadata = JSON.parse(Buffer.from(bytes).toString())
    const found: string[] = []
    for (const snapshot of snapshots) {
      const isCurrent = snapshot['snapshot-id'] === current
      if (!isCurrent && !allSnapshots) continue
      for (const manifest of this.#namesIn(table, nameOf(snapshot['manifest-list']), 'manifest_path')) {
        for (const file of this.#namesIn(table, manifest, 'file_path')) {
          const data = this.#bytesOf(table, file, manifest)
          if (data) this.#dataFiles.set(file, data)
          if (isCurrent) found.push(file)
        }
      }
    }
    return found
  }

  /** Names that an Avro file has in a column. */
  #namesIn(table: Table, name: string, column: 'manifest_path' | 'file_path'): readonly string[] {
    const bytes = this.#bytesOf(table, name, table.folder)
    if (!bytes) return []
    const known = this.#named.get(name)
    if (known) return known
    const rows = decodeAvroFile(bytes) as readonly Record<string, unknown>[]
    const names = rows.map(row => {
      const holder = column === 'file_path' ? (row.data_file as Record<string, unknown>) : row
      return nameOf(holder[column] as string)
    })
    this.#named.set(name, names)
    return names
  }

  #bytesOf(table: Table, name: string, namedBy: string): Uint8Array | undefined {
    const bytes = this.#truth.files.get(name)
    if (!bytes) this.#report('missing-object', `${name}, which ${namedBy} names; the table is at ${table.edition}`)
    return bytes
  }

  #report(property: Violation['property'], what: string): void {
    this.#violations.push({ property, what })
  }
}

function editionOf(hint: Uint8Array): number {
  return Number(Buffer.from(hint).toString())
}

function nameOf(uri: string): string {
  return uri.slice(FILES_URI.length)
}

async function readDataFile(bytes: Uint8Array): Promise<ArchivedRecord[]> {
  const file = {
    byteLength: bytes.length,
    slice: (from: number, to?: number) => bytes.slice(from, to).buffer,
  }
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
  const rows = await parquetReadObjects({ file, compressors, utf8: false })
  return rows.map(({ partition, offset, value, headers }) => {
    // A tombstone of ours has its value in its one header.
    const text = Buffer.from(value ?? headers[0].value).toString()
    return { partition: Number(partition), offset: Number(offset), value: text.split('|')[0]! }
  })
}
