/**
 * What members of a classic group of type `consumer` say to each other through JoinGroup and SyncGroup, where it is
 * opaque bytes: a version as an int16, then one of these (see `decodeEmbedded`).
 */
import { array, int32, type Message, message, nullableBytes, nullableString, since, string } from '../kernel/index.ts'

/** A member's subscription, as its protocol's metadata in JoinGroup. */
export const ConsumerProtocolSubscription = message({
  versions: [0, 3],
  fields: {
    topics: array(string),
    userData: nullableBytes,
    ownedPartitions: since(1, array({ topic: string, partitions: array(int32) }), []),
    generationId: since(2, int32, -1),
    rackId: since(3, nullableString, null),
  },
})
export type ConsumerProtocolSubscription = Message<typeof ConsumerProtocolSubscription>

/** A member's assignment in SyncGroup. */
export const ConsumerProtocolAssignment = message({
  versions: [0, 3],
  fields: {
    assignedPartitions: array({ topic: string, partitions: array(int32) }),
    userData: nullableBytes,
  },
})
export type ConsumerProtocolAssignment = Message<typeof ConsumerProtocolAssignment>
