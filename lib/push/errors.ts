import { VarveError } from '../base/index.ts'

export type PushErrorCode =
  | 'INVALID_SUBSCRIPTION' // the message says what to change
  | 'SUBSCRIPTION_EXISTS'
  | 'UNKNOWN_SUBSCRIPTION'

export class PushError extends VarveError {
  readonly code: PushErrorCode

  constructor(code: PushErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
