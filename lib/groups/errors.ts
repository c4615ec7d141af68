import { OverloadedError, VarveError } from '../base/index.ts'
import { StoreError } from '../storage/index.ts'
import { GROUP_ID_BYTES_MAX } from './settings.ts'

/** Kafka's own error names. */
export type GroupErrorCode =
  | 'COORDINATOR_NOT_AVAILABLE' // the store did not answer, or too much is waiting: find the coordinator and try again
  | 'COORDINATOR_LOAD_IN_PROGRESS' // try again: a rebalance of the classic members has to end first
  | 'FENCED_MEMBER_EPOCH' // give up all partitions and join anew
  | 'FENCED_INSTANCE_ID' // another member took over this group.instance.id
  | 'GROUP_ID_NOT_FOUND'
  | 'GROUP_MAX_SIZE_REACHED' // members or bytes of the group's document
  | 'GROUP_SUBSCRIBED_TO_TOPIC'
  | 'ILLEGAL_GENERATION'
  | 'INCONSISTENT_GROUP_PROTOCOL'
  | 'INVALID_GROUP_ID'
  | 'INVALID_REGULAR_EXPRESSION'
  | 'INVALID_REQUEST'
  | 'INVALID_SESSION_TIMEOUT'
  | 'INVALID_TXN_STATE' // the transaction that stages offsets has ended
  | 'MEMBER_ID_REQUIRED' // join again with `memberId`
  | 'NON_EMPTY_GROUP'
  | 'NOT_COORDINATOR' // another process coordinates this group now
  | 'OFFSET_METADATA_TOO_LARGE'
  | 'REBALANCE_IN_PROGRESS'
  | 'REQUEST_TIMED_OUT' // may have been done, or may yet be
  | 'STALE_MEMBER_EPOCH' // take the epoch that the next heartbeat answers
  | 'STREAMS_INVALID_TOPOLOGY'
  | 'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED'
  | 'UNKNOWN_MEMBER_ID'
  | 'UNKNOWN_SERVER_ERROR' // the leader's assignment does not fit into a stored document
  | 'UNRELEASED_INSTANCE_ID' // another member has this group.instance.id, and has not left
  | 'UNSTABLE_OFFSET_COMMIT'
  | 'UNSUPPORTED_ASSIGNOR'
  | 'UNSUPPORTED_VERSION' // the client knows no member epochs

/** A request to a group that was refused. */
export class GroupError extends VarveError {
  readonly code: GroupErrorCode
  /** With MEMBER_ID_REQUIRED: the id to join with; else the id that Kafka sends back with the refusal. */
  readonly memberId: string

  constructor(code: GroupErrorCode, message: string, options: { memberId?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.memberId = options.memberId ?? ''
  }
}

/** An empty id, which Kafka takes for offsets alone, is refused too: it cannot be a key. @throws GroupError INVALID_GROUP_ID */
export function checkGroupId(groupId: string, memberId = ''): void {
  if (groupId !== '' && Buffer.byteLength(groupId) <= GROUP_ID_BYTES_MAX) return
  throw new GroupError('INVALID_GROUP_ID', `a group id has 1 to ${GROUP_ID_BYTES_MAX} bytes`, { memberId })
}

/** Failures of the stores and full queues as what a member can act on: find the coordinator and try again. */
export function groupErrorOf(error: unknown): unknown {
  if (!(error instanceof StoreError || error instanceof OverloadedError)) return error
  return new GroupError('COORDINATOR_NOT_AVAILABLE', error.message, { cause: error })
}

/** Looks that took too long to say how the group is now. */
export function tooSlowError(groupId: string): GroupError {
  const message = `the store takes too long to say whether group '${groupId}' is as it was`
  return new GroupError('COORDINATOR_NOT_AVAILABLE', message)
}
