/**
 * Domain errors as Kafka's error codes: one total table over every code that a handler can meet. An error that is not in
 * it, or that only a bug can raise, is UNKNOWN_SERVER_ERROR and goes to the log.
 */
import {
  type CorruptDataError,
  type InvariantError,
  type Logger,
  type OverloadedError,
  VarveError,
} from '../base/index.ts'
import type { ConfigErrorCode } from '../configs/index.ts'
import type { GroupErrorCode } from '../groups/index.ts'
import type { LogErrorCode } from '../log/index.ts'
import { type ErrorName, errorCodes } from '../protocol/index.ts'
import type { RecordErrorCode } from '../records/index.ts'
import type { ShareErrorCode } from '../share/index.ts'
import type { StoreError } from '../storage/index.ts'
import type { TransactionErrorCode } from '../transactions/index.ts'

export { type ErrorName, errorCodes }

export type DomainErrorCode =
  | LogErrorCode
  | RecordErrorCode
  | ConfigErrorCode
  | GroupErrorCode
  | TransactionErrorCode
  | ShareErrorCode
  | StoreError['code']
  | OverloadedError['code']
  | CorruptDataError['code']
  | InvariantError['code']

/**
 * Clients retry KAFKA_STORAGE_ERROR, NOT_ENOUGH_REPLICAS and NOT_LEADER_OR_FOLLOWER knowing that nothing was appended,
 * and REQUEST_TIMED_OUT knowing that it may have been.
 */
export const errorNames: Readonly<Record<DomainErrorCode, ErrorName>> = {
  // log
  UNKNOWN_TOPIC: 'UNKNOWN_TOPIC_OR_PARTITION',
  TOPIC_EXISTS: 'TOPIC_ALREADY_EXISTS',
  INVALID_TXN_STATE: 'INVALID_TXN_STATE',
  CONCURRENT_TRANSACTIONS: 'CONCURRENT_TRANSACTIONS',
  INVALID_TOPIC_NAME: 'INVALID_TOPIC_EXCEPTION',
  INVALID_PARTITIONS: 'INVALID_PARTITIONS',
  INVALID_CONFIG: 'INVALID_CONFIG',
  UNSUPPORTED_ENTITY: 'UNSUPPORTED_VERSION',
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  POLICY_VIOLATION: 'POLICY_VIOLATION',
  CORRUPT_BATCH: 'CORRUPT_MESSAGE',
  INVALID_RECORD: 'INVALID_RECORD',
  INVALID_TIMESTAMP: 'INVALID_TIMESTAMP',
  BATCH_TOO_LARGE: 'MESSAGE_TOO_LARGE',
  OUT_OF_ORDER_SEQUENCE: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
  INVALID_PRODUCER_EPOCH: 'INVALID_PRODUCER_EPOCH',
  REQUEST_TIMED_OUT: 'REQUEST_TIMED_OUT',
  OVERLOADED: 'NOT_ENOUGH_REPLICAS',
  CLOSED: 'NOT_LEADER_OR_FOLLOWER',
  // records
  EMPTY: 'INVALID_RECORD',
  TRUNCATED: 'INVALID_RECORD',
  BAD_LENGTH: 'CORRUPT_MESSAGE',
  MORE_THAN_ONE_BATCH: 'INVALID_RECORD',
  UNSUPPORTED_MAGIC: 'INVALID_RECORD',
  BAD_CRC: 'CORRUPT_MESSAGE',
  INT64_OUT_OF_RANGE: 'INVALID_RECORD',
  BAD_OFFSETS: 'INVALID_RECORD',
  BAD_COUNT: 'INVALID_RECORD',
  BAD_SEQUENCE: 'INVALID_RECORD',
  BAD_TIMESTAMP_TYPE: 'INVALID_TIMESTAMP',
  CONTROL_BATCH: 'INVALID_RECORD',
  UNKNOWN_COMPRESSION: 'UNSUPPORTED_COMPRESSION_TYPE',
  MISSING_KEY: 'INVALID_RECORD',
  CORRUPT_RECORDS: 'INVALID_RECORD',
  TOO_LARGE: 'MESSAGE_TOO_LARGE',
  // groups: Kafka's own names
  COORDINATOR_NOT_AVAILABLE: 'COORDINATOR_NOT_AVAILABLE',
  COORDINATOR_LOAD_IN_PROGRESS: 'COORDINATOR_LOAD_IN_PROGRESS',
  FENCED_INSTANCE_ID: 'FENCED_INSTANCE_ID',
  FENCED_MEMBER_EPOCH: 'FENCED_MEMBER_EPOCH',
  GROUP_ID_NOT_FOUND: 'GROUP_ID_NOT_FOUND',
  GROUP_MAX_SIZE_REACHED: 'GROUP_MAX_SIZE_REACHED',
  GROUP_SUBSCRIBED_TO_TOPIC: 'GROUP_SUBSCRIBED_TO_TOPIC',
  ILLEGAL_GENERATION: 'ILLEGAL_GENERATION',
  INCONSISTENT_GROUP_PROTOCOL: 'INCONSISTENT_GROUP_PROTOCOL',
  INVALID_GROUP_ID: 'INVALID_GROUP_ID',
  INVALID_REGULAR_EXPRESSION: 'INVALID_REGULAR_EXPRESSION',
  INVALID_SESSION_TIMEOUT: 'INVALID_SESSION_TIMEOUT',
  MEMBER_ID_REQUIRED: 'MEMBER_ID_REQUIRED',
  NON_EMPTY_GROUP: 'NON_EMPTY_GROUP',
  NOT_COORDINATOR: 'NOT_COORDINATOR',
  OFFSET_METADATA_TOO_LARGE: 'OFFSET_METADATA_TOO_LARGE',
  REBALANCE_IN_PROGRESS: 'REBALANCE_IN_PROGRESS',
  STALE_MEMBER_EPOCH: 'STALE_MEMBER_EPOCH',
  STREAMS_INVALID_TOPOLOGY: 'STREAMS_INVALID_TOPOLOGY',
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: 'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED',
  UNKNOWN_MEMBER_ID: 'UNKNOWN_MEMBER_ID',
  UNKNOWN_SERVER_ERROR: 'UNKNOWN_SERVER_ERROR',
  UNRELEASED_INSTANCE_ID: 'UNRELEASED_INSTANCE_ID',
  UNSTABLE_OFFSET_COMMIT: 'UNSTABLE_OFFSET_COMMIT',
  UNSUPPORTED_ASSIGNOR: 'UNSUPPORTED_ASSIGNOR',
  UNSUPPORTED_VERSION: 'UNSUPPORTED_VERSION',
  // share groups: Kafka's own names
  INVALID_RECORD_STATE: 'INVALID_RECORD_STATE',
  INVALID_SHARE_SESSION_EPOCH: 'INVALID_SHARE_SESSION_EPOCH',
  SHARE_SESSION_LIMIT_REACHED: 'SHARE_SESSION_LIMIT_REACHED',
  SHARE_SESSION_NOT_FOUND: 'SHARE_SESSION_NOT_FOUND',
  UNKNOWN_TOPIC_OR_PARTITION: 'UNKNOWN_TOPIC_OR_PARTITION',
  // transactions: Kafka's own names
  INVALID_PRODUCER_ID_MAPPING: 'INVALID_PRODUCER_ID_MAPPING',
  INVALID_REQUEST: 'INVALID_REQUEST',
  INVALID_TRANSACTION_TIMEOUT: 'INVALID_TRANSACTION_TIMEOUT',
  PRODUCER_FENCED: 'PRODUCER_FENCED',
  TRANSACTIONAL_ID_NOT_FOUND: 'TRANSACTIONAL_ID_NOT_FOUND',
  TRANSACTION_ABORTABLE: 'TRANSACTION_ABORTABLE',
  // stores
  STORE_THROTTLED: 'KAFKA_STORAGE_ERROR',
  STORE_UNAVAILABLE: 'KAFKA_STORAGE_ERROR',
  STORE_OUTCOME_UNKNOWN: 'REQUEST_TIMED_OUT',
  STORE_REFUSED: 'KAFKA_STORAGE_ERROR',
  // bugs and damage
  CORRUPT_DATA: 'UNKNOWN_SERVER_ERROR',
  INVARIANT: 'UNKNOWN_SERVER_ERROR',
}

/** Kafka's code for an error that a handler met. */
export function errorCodeOf(error: unknown, logger: Logger): number {
  const name = error instanceof VarveError && isDomainCode(error.code) ? errorNames[error.code] : 'UNKNOWN_SERVER_ERROR'
  if (name === 'UNKNOWN_SERVER_ERROR') logger.error('request failed', describeError(error))
  return errorCodes[name]
}

/** What may be told to a client beside the code; nothing of what only our own log should have. */
export function errorMessageOf(error: unknown): string | null {
  return error instanceof VarveError ? error.message : null
}

function isDomainCode(code: string): code is DomainErrorCode {
  return Object.hasOwn(errorNames, code)
}

function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  return { message: error.message, stack: error.stack, ...(error instanceof VarveError ? { code: error.code } : {}) }
}
