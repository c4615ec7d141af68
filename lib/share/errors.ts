import { OverloadedError, VarveError } from '../base/index.ts'
import { LogError } from '../log/index.ts'
import { StoreError } from '../storage/index.ts'

/** Kafka's own error names. */
export type ShareErrorCode =
  | 'COORDINATOR_NOT_AVAILABLE' // the store did not answer, or too much is waiting: find the coordinator and try again
  | 'FENCED_MEMBER_EPOCH' // the member must join again
  | 'GROUP_ID_NOT_FOUND' // no such group, or none of this type
  | 'GROUP_MAX_SIZE_REACHED'
  | 'INVALID_RECORD_STATE' // the member does not hold these records (any more)
  | 'INVALID_REQUEST'
  | 'INVALID_SHARE_SESSION_EPOCH'
  | 'NON_EMPTY_GROUP'
  | 'NOT_COORDINATOR' // another process coordinates this group now
  | 'REQUEST_TIMED_OUT' // may have been done, or may yet be
  | 'SHARE_SESSION_LIMIT_REACHED'
  | 'SHARE_SESSION_NOT_FOUND'
  | 'UNKNOWN_MEMBER_ID'
  | 'UNKNOWN_TOPIC_OR_PARTITION'

/** A request to a share group that was refused. */
export class ShareError extends VarveError {
  readonly code: ShareErrorCode

  constructor(code: ShareErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

/** Failures of the stores, full queues and missing topics as what a member can act on. */
export function shareErrorOf(error: unknown): unknown {
  const told = (code: ShareErrorCode, { message }: Error) => new ShareError(code, message, { cause: error })
  if (error instanceof StoreError && error.effect === 'unknown') return told('REQUEST_TIMED_OUT', error)
  if (error instanceof StoreError || error instanceof OverloadedError) return told('COORDINATOR_NOT_AVAILABLE', error)
  if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') return told('UNKNOWN_TOPIC_OR_PARTITION', error)
  return error
}

/** The same for heartbeats: a member may send the same again whatever became of it, and Kafka's gives up over REQUEST_TIMED_OUT. */
export function membershipErrorOf(error: unknown): unknown {
  const isOfStore = error instanceof StoreError || (error instanceof LogError && error.code === 'REQUEST_TIMED_OUT')
  if (!isOfStore) return shareErrorOf(error)
  return new ShareError('COORDINATOR_NOT_AVAILABLE', error.message, { cause: error })
}

/** What `work` answers; its failures as `shareErrorOf` has them. */
export async function orShareError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw shareErrorOf(error)
  }
}
