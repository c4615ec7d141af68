/**
 * Forgets claims and fences that no delivery can need any more: an hour of a source's records once its last claim is older than
 * CLAIM_MS_MAX. Chunks go before the hour's marker, which is the to-do list; an hour to which something is added meanwhile stays.
 */
import type { Clock } from '../base/index.ts'
import type { UpkeepJob } from '../log/index.ts'
import type { Item, ItemStore, WriteOperation } from '../storage/index.ts'
import { checkHour, chunksPk, decodeClaims, decodeSource, SOURCES_PK } from './claim.ts'
import { FENCES_PK, fenceTime } from './fates.ts'

/** Longer than any event source takes to deliver again what it holds as undelivered by our answer. */
const CLAIM_MS_MAX = 2 * 24 * 3_600_000
const DELETES_MAX = 50
const INTERVAL_MS = 10 * 60_000
const INTERVAL_MS_MAX = 6 * 3_600_000
/** Hours looked at in one pass, of all sources. */
const HOURS_MAX = 500

export interface ForgetOptions {
  readonly items: ItemStore
  readonly clock: Clock
}

/** Two passes at once meet in compare-and-swaps, so no lease is needed. */
export function forgetClaimsJob(options: ForgetOptions): UpkeepJob {
  return {
    name: 'claims',
    intervalMs: INTERVAL_MS,
    intervalMsMax: INTERVAL_MS_MAX,
    run: async ({ dry, tell }) => {
      const deleted = dry ? 0 : await forgetOldClaims(options)
      if (deleted > 0) tell(`${deleted} claims of event sources`, 'no delivery can need them any more')
      return deleted > 0
    },
  }
}

/** Answers how many items it deleted. @throws StoreError, CorruptDataError */
export async function forgetOldClaims({ items, clock }: ForgetOptions): Promise<number> {
  const oldest = clock.now() - CLAIM_MS_MAX
  let deleted = 0
  let hours = 0
  for await (const source of itemsUnder(items, SOURCES_PK)) {
    decodeSource(source.value)
    for await (const marker of itemsUnder(items, `ingest/${source.key.sk}`)) {
      checkHour(marker.value)
      // A record's own time says nothing of when it was claimed, but not before it was sent.
      const hour = Number.parseInt(marker.key.sk, 16)
      if (hour * 3_600_000 > oldest) break
      if (++hours > HOURS_MAX) return deleted
      deleted += await forgetHour(items, source.key.sk, hour, marker, oldest)
    }
  }
  const fences: Item[] = []
  for await (const fence of itemsUnder(items, FENCES_PK)) if (fenceTime(fence.value) < oldest) fences.push(fence)
  return deleted + (await deleteAll(items, fences))
}

async function forgetHour(items: ItemStore, source: string, hour: number, marker: Item, oldest: number) {
  const chunks: Item[] = []
  for await (const chunk of itemsUnder(items, chunksPk(source, hour))) {
    if (decodeClaims(chunk.value).some(({ claimedAt }) => claimedAt >= oldest)) return 0
    chunks.push(chunk)
  }
  const deleted = await deleteAll(items, chunks)
  return deleted < chunks.length ? deleted : deleted + (await deleteAll(items, [marker]))
}

/** Those that nobody changed. */
async function deleteAll(items: ItemStore, doomed: readonly Item[]): Promise<number> {
  let deleted = 0
  for (let at = 0; at < doomed.length; at += DELETES_MAX) {
    const part = doomed.slice(at, at + DELETES_MAX)
    const operations = part.map(({ key, version }): WriteOperation => ({ kind: 'delete', key, expected: version }))
    const outcome = await items.write(operations)
    if (outcome.written) deleted += part.length
  }
  return deleted
}

async function* itemsUnder(items: ItemStore, pk: string): AsyncGenerator<Item> {
  let cursor: string | undefined
  do {
    const page = await items.query(pk, cursor === undefined ? {} : { cursor })
    yield* page.items
    cursor = page.cursor
  } while (cursor !== undefined)
}
