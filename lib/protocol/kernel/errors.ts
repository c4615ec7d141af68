import { VarveError } from '../../base/index.ts'

export type ProtocolErrorCode =
  | 'MALFORMED' // the bytes are not the message that they should be
  | 'UNKNOWN_API' // an API key that Kafka's clients do not use, or that is not in the table
  | 'UNSUPPORTED_VERSION' // a version that the message does not have
  | 'UNENCODABLE' // a value that the field's type cannot carry: the caller's mistake

/** Bytes that are not a Kafka message, or a value that does not fit into one. The only error that this room throws. */
export class ProtocolError extends VarveError {
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
