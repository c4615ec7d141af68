/**
 * The list of all groups: `groups` / `<id>`, one item for each group's document, made and removed in one write with it.
 */
import { checkFormat } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import { GROUP_KINDS } from './group-kinds.ts'

export const GROUP_LISTING_PARTITION = 'groups'

const FORMAT_VERSION = 1

export function groupListingKey(groupId: string): ItemKey {
  return { pk: GROUP_LISTING_PARTITION, sk: groupId }
}

export function encodeGroupListing(kind: number = GROUP_KINDS.classic): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION, kind)
}

/** @throws CorruptDataError for an unknown format */
export function checkGroupListing(bytes: Uint8Array): void {
  checkFormat('group listing', bytes[0] ?? 0, FORMAT_VERSION)
}
