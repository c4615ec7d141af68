/**
 * The features of Kafka that clients choose protocols by, all at their highest level. By `transaction.version` 2 they choose
 * the second protocol of transactions (KIP-890).
 */
export const features = [{ name: 'transaction.version', minVersion: 0, maxVersion: 2 }] as const
