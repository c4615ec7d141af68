/** What the tests of archives share: a log over memory stores, upkeep that archives, and a reader of the table. */

import { zstdDecompressSync } from 'node:zlib'
import { type AsyncBuffer, parquetReadObjects } from 'hyparquet'
import { catalogDataFiles } from '../../lib/archive/catalog-manifests.ts'
import { type ArchiveLimits, archiveJob, DEFAULT_ARCHIVE_LIMITS, type TableCatalog } from '../../lib/archive/index.ts'
import { readManifest, readManifestList } from '../../lib/archive/manifest.ts'
import { currentSnapshot, decodeMetadata, type TableMetadata } from '../../lib/archive/table-metadata.ts'
import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { type Log, type Topic, Upkeep, type UpkeepFinding, type UpkeepJob } from '../../lib/log/index.ts'
import { buildBatch, type NewRecord } from '../../lib/records/index.ts'
import type { ItemStore, PublishedFiles } from '../../lib/storage/index.ts'
import { drain, openRig } from '../log/rig.ts'
import { memoryFiles } from '../support/memory-files.ts'

export const DAY = 86_400_000
export const START = 19_673 * DAY

export interface Row {
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: Date | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  readonly [column: string]: unknown
}

export function openArchiveRig(options: Parameters<typeof openRig>[0] = {}) {
  const rig = openRig(options)
  const files = memoryFiles()
  const log = rig.open()
  const create = (name = 'flights', configs: Record<string, string> = {}, partitions = 1) =>
    log.topics.create({
      name,
      partitions,
      configs: { 'varve.archive': 'iceberg', 'varve.archive.lag.ms': '0', 'retention.ms': '-1', ...configs },
    })
  /** One pass of the archive's upkeep, as a process of its own. */
  const archive = async (
    over: {
      items?: ItemStore
      files?: PublishedFiles
      catalog?: TableCatalog
      log?: Log
      limits?: Partial<ArchiveLimits>
      dry?: boolean
      jobs?: UpkeepJob[]
    } = {},
  ) => {
    const common = { items: over.items ?? rig.items, clock: rig.clock, random: systemRandom, logger: silentLogger }
    const limits = { ...DEFAULT_ARCHIVE_LIMITS, ...over.limits }
    const sleep = (ms: number, signal?: AbortSignal) => (ms === 0 ? drain() : rig.clock.sleep(ms, signal))
    const clock = { now: () => rig.clock.now(), monotonic: () => rig.clock.monotonic(), sleep }
    const parts = { ...common, clock, log: over.log ?? log, files: over.files ?? files, catalog: over.catalog, limits }
    // Given: of a process that was there before.
    const jobs = over.jobs ?? [archiveJob(parts, 60_000)]
    // Leases of dead processes hold nobody up here: the pointer must be enough.
    const leases = new Leases({ ...common, items: openRig().items, owner: 'test' })
    const upkeep = new Upkeep({ ...common, jobs, leases, leaseMs: 60_000, pauseMs: 0 })
    const findings: UpkeepFinding[] = []
    // Nothing here waits for the clock, and what is compressed on other threads takes none of its time.
    const result = await upkeep.runOnce({
      withinMs: 600_000,
      dry: over.dry ?? false,
      onFinding: found => findings.push(found),
    })
    return { ...result, findings, jobs }
  }
  return { ...rig, files, log, create, archive, readTable: (topic: Topic) => readTable(files, topic) }
}

export async function append(
  log: Log,
  topic: Topic,
  records: readonly (Partial<NewRecord> & { readonly text?: string })[],
  partition = 0,
) {
  const full = records.map(
    ({ text, ...record }): NewRecord => ({
      timestamp: START,
      key: null,
      value: text === undefined ? null : Buffer.from(text),
      headers: [],
      ...record,
    }),
  )
  return log.append({ topic, partition, batch: buildBatch({ records: full }), timeoutMs: 5_000 })
}

/** What a reader of the folder finds: it knows nothing but the names that Iceberg's Hadoop tables have. */
export async function readTable(files: PublishedFiles, topic: Topic) {
  const folder = `${topic.name}/${topic.id}`
  const get = async (name: string) => {
    const bytes = await files.get(name)
    if (!bytes) throw new Error(`${name} is missing`)
    return bytes
  }
  const nameOf = (uri: string) => uri.slice(files.uri('x').length - 1)
  const hint = Buffer.from(await get(`${folder}/metadata/version-hint.text`)).toString()
  const metadata: TableMetadata = decodeMetadata(await get(`${folder}/metadata/v${hint}.metadata.json`))
  const names: string[] = []
  const manifests = readManifestList(await get(nameOf(currentSnapshot(metadata)['manifest-list'])))
  for (const { manifest_path } of manifests) {
    for (const { data_file } of readManifest(await get(nameOf(manifest_path)))) names.push(nameOf(data_file.file_path))
  }
  const rows: Row[] = []
  for (const name of names) rows.push(...(await readParquet(await get(name))))
  rows.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  return { hint: Number(hint), metadata, manifests, names, rows }
}

/** What a reader of a catalog finds in a table. */
export async function readCatalogTable(catalog: TableCatalog, name: string) {
  const metadata = await catalog.load(name)
  if (!metadata) throw new Error(`there is no table ${name}`)
  const files = catalog.filesAt(metadata.location)
  const rows: Row[] = []
  for await (const file of catalogDataFiles(files, metadata)) {
    const bytes = await files.get(file)
    if (!bytes) throw new Error(`${file} is missing`)
    rows.push(...(await readParquet(bytes)))
  }
  rows.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  return { metadata, rows }
}

export async function readParquet(bytes: Uint8Array): Promise<Row[]> {
  const whole = new Uint8Array(bytes)
  const file: AsyncBuffer = {
    byteLength: whole.length,
    slice: async (start, end) => whole.slice(start, end).buffer,
  }
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
  return (await parquetReadObjects({ file, compressors, utf8: false })) as unknown as Row[]
}
