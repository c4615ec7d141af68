import { VarveError } from '../base/index.ts'

export type HttpErrorCode =
  | 'BAD_REQUEST' // a parameter or a field that cannot be
  | 'MALFORMED_BODY' // not the JSON, text or batch that its content type says
  | 'FORBIDDEN' // known, but without the right
  | 'NOT_FOUND' // no such route, or no such thing behind it
  | 'UNKNOWN_PARTITION'
  | 'UNKNOWN_INSTANCE' // of a REST Proxy consumer
  | 'INSTANCE_EXISTS'
  | 'INSTANCE_IN_USE' // by another request; try again
  | 'ALREADY_SUBSCRIBED' // to topics and to partitions by hand, which do not go together
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'UNSUPPORTED_CONTENT_ENCODING'
  | 'BODY_TIMED_OUT' // nothing of the body came for too long
  | 'BODY_TOO_LARGE'
  | 'LINE_TOO_LONG'
  | 'IDEMPOTENCY_KEY_REUSED'

/** A request that HTTP's own rules refuse; nothing was done. */
export class HttpError extends VarveError {
  readonly code: HttpErrorCode
  /** Further members of the problem document. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: HttpErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}
