import { VarveError } from '../base/index.ts'

/** Whoever comes is not who he says he is. The message never holds what he showed. */
export class UnauthenticatedError extends VarveError {
  readonly code = 'UNAUTHENTICATED'
}

export type KeyErrorCode = 'UNKNOWN_KEY' | 'INVALID_SCOPE' | 'ISSUER_UNAVAILABLE'

/** A request about keys that was refused; ISSUER_UNAVAILABLE: an OpenID provider does not tell its own. */
export class KeyError extends VarveError {
  readonly code: KeyErrorCode

  constructor(code: KeyErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
