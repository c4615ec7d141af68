/** SQL over topics: DuckDB over the files of their archives and over what is not archived yet. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type IcebergField, topicTable } from '../archive/index.ts'
import { silentLogger, systemRandom } from '../base/index.ts'
import type { Topic } from '../log/index.ts'
import type { PublishedFiles } from '../storage/index.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import { type OpenedLog, withLog } from './with-log.ts'

export interface QueryOptions {
  readonly signal: AbortSignal
  /** Told of records that are read from the log, and of archived files that are fetched. */
  readonly onProgress: (done: { readonly records: number; readonly bytes: number }) => void
}

/** Columns in the order of the query. Whole numbers that a double cannot hold are bigints; times and the like are text. */
export interface QueryResult {
  readonly columns: readonly string[]
  readonly rows: AsyncIterable<readonly unknown[]>
}

/**
 * Runs a query, and `use` with its rows. Each topic that it names is a table of that moment; servers may run.
 * @throws ConfigError where the stores or DuckDB cannot be had, or where the query is wrong; StoreError, CorruptDataError
 */
export async function queryTopics(
  config: Pick<Config, 'objects' | 'items' | 'catalog'>,
  sql: string,
  options: QueryOptions,
  use: (result: QueryResult) => Promise<void>,
): Promise<void> {
  const { DuckDBInstance } = await loadDuckDb()
  const folder = await mkdtemp(join(tmpdir(), 'varve-query-'))
  try {
    await withLog(config, silentLogger, async opened => {
      const database = await DuckDBInstance.create(':memory:', { temp_directory: join(folder, 'spilled') })
      const connection = await database.connect()
      try {
        const names = await namesIn(connection, sql)
        await makeTables(opened, connection, { folder, names, options })
        await use(await run(connection, sql))
      } finally {
        connection.closeSync()
        database.closeSync()
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function loadDuckDb() {
  try {
    return await import('@duckdb/node-api')
  } catch (error) {
    throw new ConfigError(
      'Queries need DuckDB, which is no part of Varve (it takes 70 MB): install it beside, with `npm install @duckdb/node-api`.',
      { cause: error },
    )
  }
}

/** The tables that a query names, whether or not they are topics. Of what is no SELECT (DESCRIBE, COPY): all words. */
async function namesIn(connection: DuckDBConnection, sql: string): Promise<ReadonlySet<string>> {
  try {
    const reader = await connection.runAndReadAll(`SELECT json_serialize_sql(${literal(sql)})`)
    const tree: unknown = JSON.parse(String(reader.getRows()[0]?.[0]))
    const names = new Set<string>()
    gatherTables(tree, names)
    const flaw = typeof tree === 'object' && tree !== null && 'error_type' in tree ? tree.error_type : undefined
    // What does not parse fails when it is run, and names nothing.
    return flaw === undefined || flaw === 'parser' ? names : new Set(sql.match(/[\w.-]+/g))
  } catch (error) {
    throw wrong(error)
  }
}

function gatherTables(node: unknown, names: Set<string>): void {
  if (typeof node !== 'object' || node === null) return
  if ('table_name' in node && typeof node.table_name === 'string') names.add(node.table_name)
  for (const member of Object.values(node)) gatherTables(member, names)
}

async function run(connection: DuckDBConnection, sql: string): Promise<QueryResult> {
  try {
    const result = await connection.stream(sql)
    return { columns: result.deduplicatedColumnNames(), rows: rowsOf(result.yieldRowsJs()) }
  } catch (error) {
    throw wrong(error)
  }
}

async function* rowsOf(pages: AsyncIterable<readonly (readonly unknown[])[]>): AsyncGenerator<readonly unknown[]> {
  try {
    for await (const rows of pages) yield* rows
  } catch (error) {
    throw wrong(error)
  }
}

/** DuckDB's own words say where and what; `Catalog Error: Table … does not exist` is for topics too. */
function wrong(error: unknown): ConfigError {
  return new ConfigError(`The query failed. ${error instanceof Error ? error.message : error}`, { cause: error })
}

interface Making {
  readonly folder: string
  readonly names: ReadonlySet<string>
  readonly options: QueryOptions
}

async function makeTables(
  { log, stores, common }: OpenedLog,
  connection: DuckDBConnection,
  making: Making,
): Promise<void> {
  const { folder, names, options } = making
  const { openPublishedFolder } = await import('../storage/local/index.ts')
  const scratch = openPublishedFolder(folder, systemRandom)
  let records = 0
  let bytes = 0
  const parts = {
    ...common,
    log,
    files: stores.archives,
    catalog: stores.catalog,
    scratch,
    signal: options.signal,
    onRecord: (size: number) => {
      bytes += size
      options.onProgress({ records: ++records, bytes })
    },
  }
  for (const topic of topicsNamed(names, await log.topics.list())) {
    const { archived, files, live, fields } = await topicTable(parts, topic, `live-${topic.id}`)
    const paths = [
      ...(await localPaths(files, archived, { scratch, folder: `archive/${topic.id}` })),
      ...live.map(pathOf),
    ]
    await connection.run(viewOf(topic, fields, paths))
  }
}

/** For DuckDB names that differ in case only are one: of topics that do, the one that is written so. */
function topicsNamed(names: ReadonlySet<string>, topics: readonly Topic[]): ReadonlySet<Topic> {
  const found = [...names].map(name => {
    const alike = topics.filter(topic => topic.name.toLowerCase() === name.toLowerCase())
    return alike.find(topic => topic.name === name) ?? alike[0]
  })
  return new Set(found.filter(topic => topic !== undefined))
}

/** Of files in a bucket, copies. */
async function localPaths(
  files: PublishedFiles,
  names: readonly string[],
  { scratch, folder }: { readonly scratch: PublishedFiles; readonly folder: string },
): Promise<readonly string[]> {
  const paths: string[] = []
  for (const name of names) {
    const uri = files.uri(name)
    if (!uri.startsWith(FILE)) {
      const bytes = await files.get(name)
      if (!bytes) throw new ConfigError(`The archive lacks ${uri}: restore it, or delete the archive.`)
      await scratch.put(`${folder}/${name}`, [bytes])
    }
    paths.push(uri.startsWith(FILE) ? pathOf(uri) : pathOf(scratch.uri(`${folder}/${name}`)))
  }
  return paths
}

const FILE = 'file://'

function pathOf(uri: string): string {
  return uri.slice(FILE.length)
}

const TYPES: Readonly<Record<string, string>> = {
  int: 'INTEGER',
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamptz: 'TIMESTAMPTZ',
  string: 'VARCHAR',
  binary: 'BLOB',
}
const HEADERS = 'STRUCT("key" VARCHAR, "value" BLOB)[]'

/** Keys, values and values of headers as text: as UTF-8, or with `\xFF` where they are none. */
function viewOf({ name }: Topic, fields: readonly IcebergField[], paths: readonly string[]): string {
  const typeOf = ({ type }: IcebergField) => (typeof type === 'string' ? TYPES[type]! : HEADERS)
  const text = (value: string) => `coalesce(try(decode(${value})), ${value}::VARCHAR)`
  const columns = fields.map(field => {
    const column = quoted(field.name)
    if (field.type === 'binary') return `${text(column)} AS ${column}`
    if (typeof field.type === 'string') return column
    return `list_transform(${column}, lambda h: {'key': h.key, 'value': ${text('h.value')}}) AS ${column}`
  })
  const entries = fields.map(
    field => `${field.id}: {name: ${literal(field.name)}, type: ${literal(typeOf(field))}, default_value: NULL}`,
  )
  const source =
    paths.length === 0
      ? `(SELECT ${fields.map(field => `NULL::${typeOf(field)} AS ${quoted(field.name)}`).join(', ')} WHERE false)`
      : `read_parquet([${paths.map(literal).join(', ')}], schema = MAP {${entries.join(', ')}})`
  return `CREATE VIEW ${quoted(name)} AS SELECT ${columns.join(', ')} FROM ${source}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
