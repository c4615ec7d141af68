/**
 * Errors as problem details (RFC 9457): one total table over every code that a route can meet. An error that is not in it,
 * or that only a bug or damage can raise, is 500, tells nothing of itself and goes to the log.
 */
import {
  type CorruptDataError,
  type InvariantError,
  type Logger,
  type OverloadedError,
  VarveError,
} from '../base/index.ts'
import type { GroupErrorCode } from '../groups/index.ts'
import type { LogErrorCode } from '../log/index.ts'
import type { PushErrorCode } from '../push/index.ts'
import type { RecordErrorCode } from '../records/index.ts'
import type { KeyErrorCode, UnauthenticatedError } from '../security/index.ts'
import type { StoreError } from '../storage/index.ts'
import { HttpError, type HttpErrorCode } from './errors.ts'

export type ProblemCode =
  | HttpErrorCode
  | LogErrorCode
  | RecordErrorCode
  | GroupErrorCode
  | KeyErrorCode
  | PushErrorCode
  | UnauthenticatedError['code']
  | StoreError['code']
  | OverloadedError['code']
  | CorruptDataError['code']
  | InvariantError['code']

/**
 * 503: nothing happened, try again. 504: it may have happened, or may yet. 409: something else stands in the way, and trying again
 * alone does not help.
 */
export const statuses: Readonly<Record<ProblemCode, number>> = {
  BAD_REQUEST: 400,
  MALFORMED_BODY: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  UNKNOWN_PARTITION: 404,
  UNKNOWN_INSTANCE: 404,
  INSTANCE_EXISTS: 409,
  INSTANCE_IN_USE: 409,
  ALREADY_SUBSCRIBED: 409,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNSUPPORTED_CONTENT_ENCODING: 415,
  BODY_TIMED_OUT: 408,
  BODY_TOO_LARGE: 413,
  LINE_TOO_LONG: 413,
  IDEMPOTENCY_KEY_REUSED: 422,
  // security
  UNKNOWN_KEY: 404,
  INVALID_SCOPE: 400,
  ISSUER_UNAVAILABLE: 503,
  // push
  INVALID_SUBSCRIPTION: 400,
  SUBSCRIPTION_EXISTS: 409,
  UNKNOWN_SUBSCRIPTION: 404,
  // log
  UNKNOWN_TOPIC: 404,
  TOPIC_EXISTS: 409,
  INVALID_TOPIC_NAME: 400,
  INVALID_PARTITIONS: 400,
  INVALID_CONFIG: 400,
  POLICY_VIOLATION: 409,
  OFFSET_OUT_OF_RANGE: 416,
  CORRUPT_BATCH: 400,
  INVALID_RECORD: 400,
  INVALID_TIMESTAMP: 400,
  BATCH_TOO_LARGE: 413,
  OUT_OF_ORDER_SEQUENCE: 409,
  INVALID_PRODUCER_EPOCH: 409,
  INVALID_TXN_STATE: 409,
  CONCURRENT_TRANSACTIONS: 409,
  REQUEST_TIMED_OUT: 504,
  OVERLOADED: 503,
  CLOSED: 503,
  // records
  EMPTY: 400,
  TRUNCATED: 400,
  BAD_LENGTH: 400,
  MORE_THAN_ONE_BATCH: 400,
  UNSUPPORTED_MAGIC: 400,
  BAD_CRC: 400,
  INT64_OUT_OF_RANGE: 400,
  BAD_OFFSETS: 400,
  BAD_COUNT: 400,
  BAD_SEQUENCE: 400,
  BAD_TIMESTAMP_TYPE: 400,
  CONTROL_BATCH: 400,
  UNKNOWN_COMPRESSION: 400,
  MISSING_KEY: 400,
  CORRUPT_RECORDS: 400,
  TOO_LARGE: 413,
  // groups
  COORDINATOR_NOT_AVAILABLE: 503,
  COORDINATOR_LOAD_IN_PROGRESS: 503,
  FENCED_INSTANCE_ID: 409,
  FENCED_MEMBER_EPOCH: 409,
  GROUP_ID_NOT_FOUND: 404,
  GROUP_MAX_SIZE_REACHED: 409,
  GROUP_SUBSCRIBED_TO_TOPIC: 409,
  ILLEGAL_GENERATION: 409,
  INCONSISTENT_GROUP_PROTOCOL: 409,
  INVALID_GROUP_ID: 400,
  INVALID_REGULAR_EXPRESSION: 400,
  INVALID_REQUEST: 400,
  INVALID_SESSION_TIMEOUT: 400,
  MEMBER_ID_REQUIRED: 400,
  NON_EMPTY_GROUP: 409,
  NOT_COORDINATOR: 503,
  OFFSET_METADATA_TOO_LARGE: 400,
  REBALANCE_IN_PROGRESS: 409,
  STALE_MEMBER_EPOCH: 409,
  STREAMS_INVALID_TOPOLOGY: 400,
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: 413,
  UNKNOWN_MEMBER_ID: 404,
  UNKNOWN_SERVER_ERROR: 500,
  UNRELEASED_INSTANCE_ID: 409,
  UNSTABLE_OFFSET_COMMIT: 409,
  UNSUPPORTED_ASSIGNOR: 400,
  UNSUPPORTED_VERSION: 400,
  // stores
  STORE_THROTTLED: 503,
  STORE_UNAVAILABLE: 503,
  STORE_OUTCOME_UNKNOWN: 504,
  STORE_REFUSED: 500,
  // bugs and damage
  CORRUPT_DATA: 500,
  INVARIANT: 500,
}

const RETRY_AFTER_S = 1

/** RFC 9457, with `code` to tell problems apart by program. */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail?: string
  readonly [member: string]: unknown
}

export function problemOf(error: unknown, logger: Logger): Problem {
  if (error instanceof VarveError && isProblemCode(error.code)) {
    const status = statuses[error.code]
    if (status !== 500) {
      const details = error instanceof HttpError ? error.details : {}
      return { title: titleOf(error.code), status, code: error.code, detail: error.message, ...details }
    }
  }
  logger.error('request failed', describeError(error))
  return { title: 'Internal error', status: 500, code: 'INTERNAL', detail: 'The log of the server says more.' }
}

export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const retry = problem.status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {}
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...retry, ...headers },
  })
}

/** To what is no request, and so cannot come to the app. */
export function badRequestResponse(detail: string): Response {
  const code = 'BAD_REQUEST'
  return problemResponse({ title: titleOf(code), status: statuses[code], code, detail })
}

/** `UNKNOWN_TOPIC`: Unknown topic. */
function titleOf(code: string): string {
  return code[0] + code.slice(1).toLowerCase().replaceAll('_', ' ')
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(statuses, code)
}

function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  return { message: error.message, stack: error.stack, ...(error instanceof VarveError ? { code: error.code } : {}) }
}
