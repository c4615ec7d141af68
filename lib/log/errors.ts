import { VarveError } from '../base/index.ts'

export type LogErrorCode =
  | 'UNKNOWN_TOPIC' // no such topic or partition (read strongly, not from a cache)
  | 'TOPIC_EXISTS'
  | 'INVALID_TOPIC_NAME'
  | 'INVALID_PARTITIONS'
  | 'INVALID_CONFIG'
  | 'OFFSET_OUT_OF_RANGE'
  | 'POLICY_VIOLATION' // records of a topic that is only compacted are not deleted by offset
  | 'CORRUPT_BATCH' // bad length, CRC or magic
  | 'INVALID_RECORD' // a well-formed batch that may not be appended
  | 'INVALID_TIMESTAMP'
  | 'MISSING_KEY' // a record without one, in a compacted topic
  | 'BATCH_TOO_LARGE'
  | 'OUT_OF_ORDER_SEQUENCE'
  | 'INVALID_PRODUCER_EPOCH'
  | 'INVALID_TXN_STATE' // the batch's transaction has ended in this partition
  | 'CONCURRENT_TRANSACTIONS' // the producer's transaction before has not ended in this partition yet
  | 'REQUEST_TIMED_OUT' // may have been appended, or may yet be
  | 'OVERLOADED' // nothing happened; too much is waiting
  | 'CLOSED' // this process is shutting down; nothing happened

/** A record for which its whole batch was refused (KIP-467). */
export interface RejectedRecord {
  /** In its batch, from 0. */
  readonly index: number
  readonly message: string
}

/** A request to the log that was refused. */
export class LogError extends VarveError {
  readonly code: LogErrorCode
  readonly rejected: readonly RejectedRecord[]

  constructor(code: LogErrorCode, message: string, rejected: readonly RejectedRecord[] = []) {
    super(message)
    this.code = code
    this.rejected = rejected
  }
}

export function timedOut(): LogError {
  return new LogError('REQUEST_TIMED_OUT', 'no answer in time; the batch may have been appended, or may yet be')
}
