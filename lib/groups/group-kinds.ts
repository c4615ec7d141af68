/** A group's document and its listing say in their second byte of what kind the group is; an id has one kind at a time. */
export const GROUP_KINDS = { classic: 0, consumer: 1, share: 2, streams: 3 } as const

/** Undefined: of a kind that this version does not know. */
export function groupKindOf(document: Uint8Array): number | undefined {
  return document[1]
}

/** Listings of old have no second byte. */
export function listedKindOf(listing: Uint8Array): number {
  return listing[1] ?? GROUP_KINDS.classic
}
