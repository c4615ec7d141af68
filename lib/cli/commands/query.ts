import { type Command, Option } from 'commander'
import { ConfigError, type QueryResult, queryTopics, type SettingValues } from '../../assembly/index.ts'
import { CommandError } from '../failure.ts'
import { jsonLine, print, printTable } from '../output.ts'
import { describeFlow, Progress } from '../progress.ts'
import { readStores, storeCommand } from '../store-options.ts'

interface QueryOptions extends SettingValues {
  readonly format: (typeof formats)[number]
  readonly json?: boolean
  readonly progress?: boolean
}

const formats = ['table', 'json', 'csv'] as const
/** A table is as wide as its widest cell, so its rows are held. */
const TABLE_ROWS_MAX = 1_000
const LINES_AT_ONCE = 500

export function queryCommand(): Command {
  return storeCommand('query', 'run SQL over topics, archived and live records together; servers may run', [
    'archiveCatalog',
  ])
    .argument('<sql>', 'a query of DuckDB; the topics that it names are its tables')
    .addOption(
      new Option('--format <format>', 'table: the first 1,000 rows; json: an object a line; csv: with a heading')
        .choices(formats)
        .default('table'),
    )
    .option('--progress', 'show progress on stderr even where it is no terminal')
    .option('--no-progress', 'never show progress')
    .action(query)
}

async function query(sql: string, { format, json = false, progress: wanted, ...values }: QueryOptions): Promise<void> {
  const flow = { records: 0, bytes: 0, since: performance.now() }
  const progress = new Progress(() => `read ${describeFlow(flow.records, flow.bytes, flow.since)}`, wanted)
  try {
    await queryTopics(
      readStores(values),
      sql,
      { signal: new AbortController().signal, onProgress: done => Object.assign(flow, done) },
      async result => {
        progress.end()
        await write(result, json ? 'json' : format)
      },
    )
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(error.message, { cause: error }) : error
  } finally {
    progress.end()
  }
}

async function write({ columns, rows }: QueryResult, format: QueryOptions['format']): Promise<void> {
  if (format === 'table') return writeTable(columns, rows)
  if (format === 'csv') await print(csvLine(columns))
  let lines: string[] = []
  const flush = async () => {
    await print(lines.join(''))
    lines = []
  }
  for await (const row of rows) {
    lines.push(
      format === 'csv'
        ? csvLine(row.map(cellText))
        : jsonLine(Object.fromEntries(columns.map((name, at) => [name, plain(row[at])]))),
    )
    if (lines.length === LINES_AT_ONCE) await flush()
  }
  await flush()
}

async function writeTable(columns: readonly string[], rows: QueryResult['rows']): Promise<void> {
  const held: string[][] = []
  let more = false
  for await (const row of rows) {
    more = held.length === TABLE_ROWS_MAX
    if (more) break
    held.push(row.map(cell => cellText(cell).replace(/[\r\n\t]/g, ' ')))
  }
  await printTable(columns, held)
  await print(`${held.length} rows${more ? ', and more: ask for --format csv, or for fewer with LIMIT' : ''}\n`)
}

/** '' where there is nothing, as CSV has it. */
function cellText(value: unknown): string {
  const simple = plain(value)
  if (simple === null || simple === undefined) return ''
  return typeof simple === 'object' ? jsonLine(simple).trimEnd() : String(simple)
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(cell => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`
}

/** As JSON has it. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
  return value
}
