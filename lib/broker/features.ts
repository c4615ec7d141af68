/**
 * The features of Kafka that clients choose protocols by, all at their highest level. By `transaction.version` 2 they choose
 * the second protocol of transactions (KIP-890), by `group.version` 1 they know that there are consumer groups (KIP-848), by
 * `share.version` 1 share groups (KIP-932), by `streams.version` 1
 * streams groups (KIP-1071).
 */
export const features = [
  { name: 'share.version', minVersion: 0, maxVersion: 1 },
  { name: 'streams.version', minVersion: 0, maxVersion: 1 },
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
] as const
