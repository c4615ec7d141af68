import { OverloadedError, VarveError } from '../base/index.ts'
import { GroupError } from '../groups/index.ts'
import { LogError } from '../log/index.ts'
import { StoreError } from '../storage/index.ts'

/** Kafka's own error names. */
export type TransactionErrorCode =
  | 'CONCURRENT_TRANSACTIONS' // another process keeps changing the transaction: try again
  | 'COORDINATOR_NOT_AVAILABLE' // the stores or the log did not answer in time: try again
  | 'INVALID_PRODUCER_EPOCH' // an administrator names an epoch that is an old one
  | 'INVALID_PRODUCER_ID_MAPPING' // the transactional id is unknown, or has another producer id
  | 'INVALID_REQUEST' // a transactional id that cannot be one
  | 'INVALID_TRANSACTION_TIMEOUT'
  | 'INVALID_TXN_STATE'
  | 'PRODUCER_FENCED' // a newer producer has the transactional id, or the transaction took too long
  | 'TRANSACTIONAL_ID_NOT_FOUND'
  | 'TRANSACTION_ABORTABLE' // the transaction has too many partitions

/** A request about a transaction that was refused. */
export class TransactionError extends VarveError {
  readonly code: TransactionErrorCode

  constructor(code: TransactionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Failures of what lies below as what a producer can act on: try again. */
export function transactionErrorOf(error: unknown): unknown {
  const isBelow =
    error instanceof StoreError ||
    error instanceof OverloadedError ||
    error instanceof LogError ||
    error instanceof GroupError
  return isBelow ? new TransactionError('COORDINATOR_NOT_AVAILABLE', error.message, { cause: error }) : error
}
