/** The documents of share groups in the item store, with every answer made certain. */
import { drawToken, type Random } from '../base/index.ts'
import {
  encodeGroupListing,
  GROUP_KINDS,
  GROUP_LISTING_PARTITION,
  groupDocumentKey,
  groupKindOf,
  groupListingKey,
  groupPartitionKey,
  listedKindOf,
} from '../groups/index.ts'
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
import { ShareError } from './errors.ts'
import { CONFLICT_ATTEMPTS_MAX, DOCUMENT_BYTES_MAX } from './settings.ts'
import { decodeShareGroup, encodeShareGroup, type ShareGroup } from './share-group-document.ts'
import type { SharePartition } from './share-partition.ts'
import {
  decodeSharePartition,
  encodeSharePartition,
  type Place,
  placeOfSortKey,
  SHARE_SORT_KEY_FIRST,
  SHARE_SORT_KEY_LAST,
  sharePartitionKey,
} from './share-partition-document.ts'

/** What was read, and the version to expect when changing it. */
export interface Read<T> {
  readonly value: T | undefined
  readonly version: Expected
}

const ABSENT = { value: undefined, version: 'absent' } as const

export type Written = { readonly version: Version } | 'conflict'

export interface ListedPartition extends Place {
  readonly key: ItemKey
  readonly version: Version
  readonly value: SharePartition
}

/** Ids of locks are counted on from a random place below this, so that they stay below 2^53. */
const FIRST_LOCK_BELOW = 2 ** 48

export class ShareItems {
  readonly #items: ItemStore
  readonly #random: Random
  readonly #writes: CertainWrites

  constructor(parts: CertainWritesParts) {
    this.#items = parts.items
    this.#random = parts.random
    this.#writes = new CertainWrites(parts)
  }

  /** A group whose deletion was begun is gone: this finishes it. @throws ShareError GROUP_ID_NOT_FOUND for a group of another type */
  async readGroup(groupId: string): Promise<Read<ShareGroup>> {
    const read = await this.readStoredGroup(groupId)
    if (!read.value?.isDead || read.version === 'absent') return read
    await this.finishRemoval(groupId, read.version)
    return ABSENT
  }

  async readStoredGroup(groupId: string): Promise<Read<ShareGroup>> {
    const item = await this.#items.get(groupDocumentKey(groupId))
    if (!item) return ABSENT
    if (groupKindOf(item.value) !== GROUP_KINDS.share) {
      throw new ShareError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a share group.`)
    }
    return { value: decodeShareGroup(item.value), version: item.version }
  }

  /** A new group's listing comes with it. */
  async writeGroup(groupId: string, expected: Expected, group: ShareGroup): Promise<Written> {
    const value = encodeShareGroup(group)
    if (value.length > DOCUMENT_BYTES_MAX) {
      throw new ShareError('GROUP_MAX_SIZE_REACHED', `the document of group '${groupId}' has ${value.length} bytes`)
    }
    const version = drawToken(this.#random)
    const operations: WriteOperation[] = [{ kind: 'put', key: groupDocumentKey(groupId), expected, version, value }]
    if (expected === 'absent') {
      const listing = encodeGroupListing(GROUP_KINDS.share)
      operations.push({ kind: 'put', key: groupListingKey(groupId), expected, version, value: listing })
      operations.push(await checkOfMaking(this.#items, groupDocumentKey(groupId)))
    }
    return this.#write(operations, version)
  }

  async listGroupIds(): Promise<string[]> {
    const found: string[] = []
    for await (const { key, value } of queryAll(this.#items, GROUP_LISTING_PARTITION)) {
      if (listedKindOf(value) === GROUP_KINDS.share) found.push(key.sk)
    }
    return found
  }

  async readPartition(groupId: string, place: Place): Promise<Read<SharePartition>> {
    const item = await this.#items.get(sharePartitionKey(groupId, place))
    return item ? { value: decodeSharePartition(item.value), version: item.version } : ABSENT
  }

  /** `group`: must be at this version still. */
  async writePartition(
    groupId: string,
    place: Place,
    { expected, value, group }: { expected: Expected; value: SharePartition; group?: Expected },
  ): Promise<Written> {
    const version = drawToken(this.#random)
    const key = sharePartitionKey(groupId, place)
    const put = { kind: 'put', key, expected, version, value: encodeSharePartition(value) } as const
    if (group === undefined) return this.#write([put], version)
    return this.#write([put, { kind: 'check', key: groupDocumentKey(groupId), expected: group }], version)
  }

  /** Every share partition of the group, or of one topic in it. */
  async listPartitions(groupId: string, topicId?: string): Promise<ListedPartition[]> {
    const found: ListedPartition[] = []
    const range =
      topicId === undefined
        ? { from: SHARE_SORT_KEY_FIRST, to: SHARE_SORT_KEY_LAST }
        : { from: `${SHARE_SORT_KEY_FIRST}${topicId}#`, to: `${SHARE_SORT_KEY_FIRST}${topicId}$` }
    for await (const { key, version, value } of queryAll(this.#items, groupPartitionKey(groupId), range)) {
      found.push({ ...placeOfSortKey(key.sk), key, version, value: decodeSharePartition(value) })
    }
    return found
  }

  /** Those that are changed meanwhile are read and removed again. @throws ShareError COORDINATOR_NOT_AVAILABLE */
  async removePartitions(groupId: string, topicId?: string): Promise<void> {
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const listed = await this.listPartitions(groupId, topicId)
      if (listed.length === 0) return
      for (let at = 0; at < listed.length; at += WRITE_OPERATIONS_MAX) {
        const some = listed.slice(at, at + WRITE_OPERATIONS_MAX)
        await this.#writes.remove(some.map(({ key, version }) => ({ kind: 'delete', key, expected: version })))
      }
      await this.pause(attempt)
    }
    throw new ShareError('COORDINATOR_NOT_AVAILABLE', `share partitions of group '${groupId}' keep changing`)
  }

  /** Removes a dead group: its share partitions first, then the document that says that this is to be done. */
  async finishRemoval(groupId: string, version: Version): Promise<void> {
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      await this.removePartitions(groupId)
      if ((await this.removeDocument(groupId, version)) === 'removed') return
      if ((await this.readStoredGroup(groupId)).version !== version) return
      await this.pause(attempt)
    }
    throw new ShareError('COORDINATOR_NOT_AVAILABLE', `the removal of group '${groupId}' comes to no end`)
  }

  /** Of a group without share partitions. `conflict`: it is not at `version` any more, or another group went at the same time. */
  async removeDocument(groupId: string, version: Version): Promise<'removed' | 'conflict'> {
    const key = groupDocumentKey(groupId)
    const listing = await this.#items.get(groupListingKey(groupId))
    const operations: WriteOperation[] = [{ kind: 'delete', key, expected: version }]
    if (listing) operations.push({ kind: 'delete', key: listing.key, expected: listing.version })
    operations.push(await markOfRemoval(this.#items, this.#random, key))
    return this.#writes.remove(operations)
  }

  drawFirstLock(): number {
    return drawToken(this.#random) % FIRST_LOCK_BELOW
  }

  pause(attempt: number): Promise<void> {
    return this.#writes.pause(attempt)
  }

  async #write(operations: readonly WriteOperation[], version: Version): Promise<Written> {
    return (await this.#writes.write(operations, version)).written ? { version } : 'conflict'
  }
}
