/** Kafka's bit sets of AclOperation (KIP-430): everything is allowed, for there are no ACLs yet. */
const operation = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const

const bitsOf = (...operations: number[]) => operations.reduce((bits, bit) => bits | (1 << bit), 0)

/** The client did not ask. */
export const operationsNotAsked = -2_147_483_648

export const topicOperations = bitsOf(
  operation.read,
  operation.write,
  operation.create,
  operation.delete,
  operation.alter,
  operation.describe,
  operation.describeConfigs,
  operation.alterConfigs,
)

export const groupOperations = bitsOf(
  operation.read,
  operation.delete,
  operation.describe,
  operation.describeConfigs,
  operation.alterConfigs,
)

export const clusterOperations = bitsOf(
  operation.create,
  operation.alter,
  operation.describe,
  operation.clusterAction,
  operation.describeConfigs,
  operation.alterConfigs,
  operation.idempotentWrite,
)
