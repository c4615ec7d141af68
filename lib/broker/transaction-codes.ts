/** Transactions' errors as the versions of an API knew them: what a client does not know it takes for final. */
import type { Logger } from '../base/index.ts'
import { errorCodeOf, errorCodes } from './errors.ts'

/** First versions whose clients understand what came later. */
export interface TransactionVersions {
  /** PRODUCER_FENCED; before, INVALID_PRODUCER_EPOCH. */
  readonly fenced: number
}

/** For the requests that go to a transaction's coordinator. */
export function coordinatorCodeOf(error: unknown, apiVersion: number, versions: TransactionVersions, logger: Logger) {
  const code = errorCodeOf(error, logger)
  const isNew = code === errorCodes.PRODUCER_FENCED && apiVersion < versions.fenced
  return isNew ? errorCodes.INVALID_PRODUCER_EPOCH : code
}

export interface AdmissionVersions {
  /** TRANSACTION_ABORTABLE (KIP-890): what was not added is told so; before, INVALID_TXN_STATE. */
  readonly abortable: number
  /** CONCURRENT_TRANSACTIONS, as what is used is added by its use (KIP-890). */
  readonly concurrent: number
  /** Told, where the client does not know better, to be tried again. */
  readonly retry: number
}

/** For Produce and TxnOffsetCommit, whose clients know fewer of the errors. */
export function admissionCodeOf(error: unknown, apiVersion: number, versions: AdmissionVersions, logger: Logger) {
  const code = errorCodeOf(error, logger)
  switch (code) {
    case errorCodes.PRODUCER_FENCED:
      return errorCodes.INVALID_PRODUCER_EPOCH
    case errorCodes.INVALID_TXN_STATE:
    case errorCodes.TRANSACTION_ABORTABLE:
      return apiVersion >= versions.abortable ? errorCodes.TRANSACTION_ABORTABLE : errorCodes.INVALID_TXN_STATE
    case errorCodes.CONCURRENT_TRANSACTIONS:
      return apiVersion >= versions.concurrent ? code : versions.retry
    case errorCodes.COORDINATOR_NOT_AVAILABLE:
      return versions.retry
    default:
      return code
  }
}
