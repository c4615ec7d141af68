export type {
  AbortRequest,
  AdmitRequest,
  EndTransactionRequest,
  GroupRequest,
  InitProducerRequest,
  PartitionsRequest,
  ProducerIdentity,
  Protocol,
  StageOffsetsRequest,
  TransactionDescription,
  TransactionRequest,
} from './contract.ts'
export { TransactionError, type TransactionErrorCode } from './errors.ts'
export { defaultTransactionSettings, type TransactionSettings } from './settings.ts'
export { type TransactionState, transactionStates } from './transaction-document.ts'
export { expireTransactionalIdsJob, type TransactionExpirySettings } from './transaction-expiry.ts'
export { Transactions, type TransactionsOptions } from './transactions.ts'
