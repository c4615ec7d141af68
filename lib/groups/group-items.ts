/** The groups' documents in the item store, with every answer made certain. */
import { drawToken, inParallel, type Random } from '../base/index.ts'
import { checkOfMaking, markOfRemoval } from '../lifetimes/index.ts'
import {
  CertainWrites,
  type CertainWritesParts,
  type Expected,
  type ItemKey,
  type ItemStore,
  queryAll,
  type Version,
  WRITE_OPERATIONS_MAX,
  type WriteOperation,
} from '../storage/index.ts'
import { GroupError } from './errors.ts'
import {
  decodeGroupDocument,
  encodeGroupDocument,
  type GroupDocument,
  groupDocumentKey,
  groupPartitionKey,
} from './group-document.ts'
import { GROUP_KINDS, groupKindOf, listedKindOf } from './group-kinds.ts'
import { checkGroupListing, encodeGroupListing, GROUP_LISTING_PARTITION, groupListingKey } from './group-listing.ts'
import {
  decodeOffsetsBlock,
  encodeOffsetsBlock,
  OFFSETS_SORT_KEY_FIRST,
  OFFSETS_SORT_KEY_LAST,
  type OffsetsBlock,
  topicIdOfSortKey,
} from './offsets-block.ts'
import { RecentlyUsed } from './recently-used.ts'
import { CONFLICT_ATTEMPTS_MAX, DECODED_BYTES_MAX, PARALLEL_READS_MAX } from './settings.ts'

/** What was read, and the version to expect when changing it. */
export interface Read<T> {
  readonly value: T | undefined
  readonly version: Expected
}

/** Blocks removed in the one write that removes their group's document. */
const REMOVED_WITH_DOCUMENT_MAX = WRITE_OPERATIONS_MAX - 4

const ABSENT = { value: undefined, version: 'absent' } as const

export type Written = { readonly version: Version } | 'conflict'

export interface ListedBlock {
  readonly key: ItemKey
  readonly topicId: string
  readonly version: Version
  readonly block: OffsetsBlock
}

interface OffsetsWriteConditions {
  readonly group?: { readonly groupId: string; readonly version: Expected } | undefined
  readonly checks?: readonly WriteOperation[]
}

export class GroupItems {
  readonly #items: ItemStore
  readonly #random: Random
  readonly #writes: CertainWrites
  /** Read anew each time, but decoded only when they changed. */
  readonly #decoded = new RecentlyUsed<string, { value: GroupDocument; version: Version; bytes: number }>(
    DECODED_BYTES_MAX,
    ({ bytes }) => bytes,
  )

  constructor(parts: CertainWritesParts) {
    this.#items = parts.items
    this.#random = parts.random
    this.#writes = new CertainWrites(parts)
  }

  /** @throws GroupError GROUP_ID_NOT_FOUND for a share group */
  async readGroup(groupId: string): Promise<Read<GroupDocument>> {
    const item = await this.#items.get(groupDocumentKey(groupId))
    if (!item) return ABSENT
    const known = this.#decoded.get(groupId)
    if (known?.version === item.version) return known
    if (groupKindOf(item.value) === GROUP_KINDS.share) {
      throw new GroupError('GROUP_ID_NOT_FOUND', `Group ${groupId} is a share group.`)
    }
    const read = { value: decodeGroupDocument(item.value), version: item.version, bytes: item.value.length }
    this.#decoded.set(groupId, read)
    return read
  }

  /** A group whose deletion was begun is gone: this finishes it. */
  async readLivingGroup(groupId: string): Promise<Read<GroupDocument>> {
    const read = await this.readGroup(groupId)
    if (read.value?.state !== 'Dead' || read.version === 'absent') return read
    await this.finishRemoval(groupId, read.version)
    return ABSENT
  }

  /** Removes a Dead group: its offsets first, then the document that says that this is to be done. */
  async finishRemoval(groupId: string, version: Version): Promise<void> {
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const blocks = await this.listOffsets(groupId)
      if (blocks.length > 0) await this.removeOffsets(blocks)
      else if ((await this.#removeDocument(groupId, version)) === 'removed') return
      else if ((await this.readGroup(groupId)).version !== version) return
    }
    throw new GroupError('COORDINATOR_NOT_AVAILABLE', `offsets of the deleted group '${groupId}' keep coming back`)
  }

  /** Removes a group with all its blocks, if it and they are still as they were read; else (most of) it stays. */
  async removeGroup(
    groupId: string,
    version: Version,
    blocks: readonly ListedBlock[],
  ): Promise<'removed' | 'conflict'> {
    const deletions = blocks.map(({ key, version }) => ({ kind: 'delete', key, expected: version }) as const)
    const unchanged = { kind: 'check', key: groupDocumentKey(groupId), expected: version } as const
    while (deletions.length > REMOVED_WITH_DOCUMENT_MAX) {
      const some = [...deletions.splice(0, REMOVED_WITH_DOCUMENT_MAX), unchanged]
      if ((await this.#writes.remove(some)) === 'conflict') return 'conflict'
    }
    return this.#removeDocument(groupId, version, deletions)
  }

  /** A new group's listing comes with it. */
  async writeGroup(groupId: string, expected: Expected, group: GroupDocument): Promise<Written> {
    const version = drawToken(this.#random)
    const document = {
      kind: 'put',
      key: groupDocumentKey(groupId),
      expected,
      version,
      value: encodeGroupDocument(group),
    } as const
    if (expected !== 'absent') return this.#write([document], version)
    const listing = {
      kind: 'put',
      key: groupListingKey(groupId),
      expected,
      version,
      value: encodeGroupListing(),
    } as const
    return this.#write([document, listing, await checkOfMaking(this.#items, document.key)], version)
  }

  /** All but share groups. */
  async listGroupIds(): Promise<string[]> {
    const found: string[] = []
    for await (const { key, value } of queryAll(this.#items, GROUP_LISTING_PARTITION)) {
      checkGroupListing(value)
      if (listedKindOf(value) !== GROUP_KINDS.share) found.push(key.sk)
    }
    return found
  }

  async readOffsets(key: ItemKey): Promise<Read<OffsetsBlock>> {
    const item = await this.#items.get(key)
    return item ? { value: decodeOffsetsBlock(item.value), version: item.version } : ABSENT
  }

  /** `group`: must be at this version still; `checks` must hold too. */
  async writeOffsets(
    key: ItemKey,
    expected: Expected,
    block: OffsetsBlock,
    { group, checks = [] }: OffsetsWriteConditions = {},
  ): Promise<Written> {
    const version = drawToken(this.#random)
    const operations: WriteOperation[] = [{ kind: 'put', key, expected, version, value: encodeOffsetsBlock(block) }]
    if (group) operations.push({ kind: 'check', key: groupDocumentKey(group.groupId), expected: group.version })
    return this.#write([...operations, ...checks], version)
  }

  /** Every block of the group, or of one topic in it. */
  async listOffsets(groupId: string, topicId?: string): Promise<ListedBlock[]> {
    const found: ListedBlock[] = []
    for await (const { key, version, value } of queryAll(
      this.#items,
      groupPartitionKey(groupId),
      offsetsRange(topicId),
    )) {
      found.push({ key, topicId: topicIdOfSortKey(key.sk), version, block: decodeOffsetsBlock(value) })
    }
    return found
  }

  /** Those that changed meanwhile stay. */
  async removeOffsets(blocks: readonly ListedBlock[]): Promise<void> {
    for (let at = 0; at < blocks.length; at += WRITE_OPERATIONS_MAX) {
      const operations = blocks
        .slice(at, at + WRITE_OPERATIONS_MAX)
        .map(({ key, version }) => ({ kind: 'delete', key, expected: version }) as const)
      await this.#writes.remove(operations)
    }
  }

  pause(attempt: number): Promise<void> {
    return this.#writes.pause(attempt)
  }

  async #removeDocument(
    groupId: string,
    expected: Version,
    others: readonly WriteOperation[] = [],
  ): Promise<'removed' | 'conflict'> {
    const key = groupDocumentKey(groupId)
    const listing = await this.#items.get(groupListingKey(groupId))
    const operations: WriteOperation[] = [{ kind: 'delete', key, expected }]
    if (listing) operations.push({ kind: 'delete', key: listing.key, expected: listing.version })
    return this.#writes.remove([...operations, ...others, await markOfRemoval(this.#items, this.#random, key)])
  }

  async #write(operations: readonly WriteOperation[], version: Version): Promise<Written> {
    return (await this.#writes.write(operations, version)).written ? { version } : 'conflict'
  }
}

/** What every group committed for these topics, which are deleted. @throws GroupError COORDINATOR_NOT_AVAILABLE; StoreError */
export async function removeTopicsOffsets(items: GroupItems, topicIds: ReadonlySet<string>): Promise<void> {
  const [only, another] = topicIds
  await inParallel(await items.listGroupIds(), PARALLEL_READS_MAX, async groupId => {
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const listed = await items.listOffsets(groupId, another === undefined ? only : undefined)
      const blocks = listed.filter(({ topicId }) => topicIds.has(topicId))
      if (blocks.length === 0) return
      await items.removeOffsets(blocks)
    }
    throw new GroupError(
      'COORDINATOR_NOT_AVAILABLE',
      `offsets in deleted topics keep coming back in group '${groupId}'`,
    )
  })
}

function offsetsRange(topicId: string | undefined): { from: string; to: string } {
  if (topicId === undefined) return { from: OFFSETS_SORT_KEY_FIRST, to: OFFSETS_SORT_KEY_LAST }
  return { from: `${OFFSETS_SORT_KEY_FIRST}${topicId}#`, to: `${OFFSETS_SORT_KEY_FIRST}${topicId}$` }
}
