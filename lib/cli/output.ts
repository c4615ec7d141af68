import { once } from 'node:events'

/** Standard output, for people (tables) and for machines (--json). Waits where the reader is slow. */

export async function print(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

export function printJson(value: unknown): Promise<void> {
  return print(`${JSON.stringify(value, replaceBigint, 2)}\n`)
}

/** One line; offsets beyond 2^53 are strings. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value, replaceBigint)}\n`
}

export function printTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): Promise<void> {
  const cells = [columns, ...rows.map(row => row.map(cell => String(cell ?? '-')))]
  const widths = columns.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0)))
  const lines = cells.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return print(`${lines.join('\n')}\n`)
}

function replaceBigint(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value)
}
