/** Writes as plain data, so that a test can tell a child process what to write, and knows what must be there. */
import { type Expected, type Item, type ItemStore, queryAll, type WriteOperation } from '../../lib/storage/index.ts'

export const PK = 'told'

export interface ToldOperation {
  readonly sk: string
  /** Default: `absent`. */
  readonly expected?: Expected
  /** Of the item that is put; without one, the item is deleted. */
  readonly version?: number
  /** Of its value. Default: 20. */
  readonly bytes?: number
}

export type ToldWrite = readonly ToldOperation[]

/** What a store holds: version and a sample of the value, by sort key. */
export type Contents = Readonly<Record<string, string>>

export function operationsOf(write: ToldWrite): WriteOperation[] {
  return write.map(({ sk, expected = 'absent', version, bytes = 20 }) => {
    const key = { pk: PK, sk }
    if (version !== undefined) return { kind: 'put', key, expected, version, value: toldValue(sk, version, bytes) }
    if (expected === 'absent') throw new Error(`${sk} cannot be deleted and be absent`)
    return { kind: 'delete', key, expected }
  })
}

/** After writes of which each was carried out. */
export function contentsAfter(writes: readonly ToldWrite[]): Contents {
  const contents = new Map<string, string>()
  for (const { sk, version, bytes = 20 } of writes.flat()) {
    if (version === undefined) contents.delete(sk)
    else contents.set(sk, summary({ version, value: toldValue(sk, version, bytes) }))
  }
  return Object.fromEntries(contents)
}

export async function contentsOf(store: ItemStore): Promise<Contents> {
  const contents = new Map<string, string>()
  for await (const item of queryAll(store, PK)) {
    const found = await store.get(item.key)
    if (!found || summary(found) !== summary(item)) throw new Error(`get and query differ at ${item.key.sk}`)
    contents.set(item.key.sk, summary(item))
  }
  return Object.fromEntries(contents)
}

/** Of a value each byte counts. */
function summary({ version, value }: Pick<Item, 'version' | 'value'>): string {
  const start = Buffer.from(value.subarray(0, 20)).toString()
  const expected = Buffer.alloc(value.length, value.subarray(0, 20))
  return `${version}: ${value.length} bytes, ${Buffer.from(value).equals(expected) ? start : 'mixed up'}`
}

function toldValue(sk: string, version: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${sk} ${version} `.padEnd(20, '.'))
}
