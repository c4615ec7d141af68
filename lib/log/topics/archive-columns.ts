/**
 * The columns into which an archived topic's JSON values are unfolded, as `varve.archive.schema` says it: `name:type` or
 * `name=path.in.the.value:type`, with commas between them.
 */
export const ARCHIVE_COLUMN_TYPES = ['string', 'boolean', 'int', 'long', 'double', 'timestamp', 'date', 'json'] as const

export interface ArchiveColumn {
  readonly name: string
  /** Names of members from the value down. */
  readonly path: readonly string[]
  readonly type: (typeof ARCHIVE_COLUMN_TYPES)[number]
}

/** Every archive has these. */
export const RECORD_COLUMNS = ['partition', 'offset', 'timestamp', 'key', 'value', 'headers'] as const

const COLUMNS_MAX = 500
const FORM = /^([A-Za-z_][A-Za-z0-9_]{0,127})(?:=([^:=,]+))?:([a-z]+)$/

/** The columns, or what is wrong with the text. */
export function parseArchiveColumns(text: string): readonly ArchiveColumn[] | { readonly flaw: string } {
  const entries = text.trim() === '' ? [] : text.split(',').map(entry => entry.trim())
  if (entries.length > COLUMNS_MAX) return { flaw: `has ${entries.length} columns, over ${COLUMNS_MAX}` }
  const columns: ArchiveColumn[] = []
  const taken = new Set<string>(RECORD_COLUMNS)
  for (const entry of entries) {
    const [, name, path, type] = FORM.exec(entry) ?? []
    const known = ARCHIVE_COLUMN_TYPES.find(one => one === type)
    if (name === undefined) return { flaw: `'${entry}' must be name:type or name=path.in.value:type` }
    if (!known) return { flaw: `'${entry}' must have one of the types ${ARCHIVE_COLUMN_TYPES.join(', ')}` }
    if (taken.has(name.toLowerCase()))
      return {
        flaw: `the column '${name}' is there already: give it another name, as my_${name}=${path ?? name}:${type}`,
      }
    taken.add(name.toLowerCase())
    columns.push({ name, path: (path ?? name).split('.'), type: known })
  }
  return columns
}
