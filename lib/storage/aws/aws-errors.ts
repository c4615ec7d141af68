/**
 * What a failed call of an AWS service means for the caller: did it surely do nothing, or does nobody know. The SDK's
 * own retries are off (they would hide lost answers), so each error here is that of one request.
 */
import { VarveError } from '../../base/index.ts'
import { StoreError } from '../index.ts'

/** The service counted and refused; nothing happened. */
const THROTTLES = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionConflictException',
])

/** Refused for now; nothing happened. `RequestTimeout`: S3 did not get the whole request. */
const TRANSIENT = new Set([
  'ConditionalRequestConflict',
  'CredentialsProviderError',
  'OperationAborted',
  'RequestTimeout',
])

/** No connection was made, so nothing was sent. */
const NOT_SENT = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'])

export type CallKind = 'read' | 'write'

/** Our own errors (of a stream's source) stay as they are. */
export function storeError(doing: string, error: unknown, kind: CallKind): VarveError {
  if (error instanceof VarveError) return error
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const status = errorStatus(error)
  const message = `${doing}: ${text}${status === undefined ? '' : ` (HTTP ${status})`}`
  return new StoreError(codeOf(error, kind), message, { cause: error })
}

/** The service's name of the error, as `ConditionalCheckFailedException`. */
export function errorName(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined
}

export function errorStatus(error: unknown): number | undefined {
  const status = metadataOf(error).httpStatusCode
  return typeof status === 'number' ? status : undefined
}

function codeOf(error: unknown, kind: CallKind): StoreError['code'] {
  const name = errorName(error) ?? ''
  const status = errorStatus(error)
  if (THROTTLES.has(name) || status === 429) return 'STORE_THROTTLED'
  if (TRANSIENT.has(name) || NOT_SENT.has(systemCode(error))) return 'STORE_UNAVAILABLE'
  // The SDK noted how far our clock is off: the next request is signed with the right time.
  if (metadataOf(error).clockSkewCorrected === true) return 'STORE_UNAVAILABLE'
  if (status !== undefined && status >= 400 && status < 500) return 'STORE_REFUSED'
  return kind === 'read' ? 'STORE_UNAVAILABLE' : 'STORE_OUTCOME_UNKNOWN'
}

function metadataOf(error: unknown): { httpStatusCode?: unknown; clockSkewCorrected?: unknown } {
  if (!(error instanceof Error) || !('$metadata' in error)) return {}
  return typeof error.$metadata === 'object' && error.$metadata !== null ? error.$metadata : {}
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
