import { VarveError } from '../base/index.ts'

export type ConfigErrorCode =
  | 'INVALID_CONFIG' // a config or a value that cannot be
  | 'INVALID_REQUEST' // a change that contradicts itself
  | 'UNSUPPORTED_ENTITY' // a kind of client that no quota is for

/** A change of configs that was refused; nothing of it was done. */
export class ConfigError extends VarveError {
  readonly code: ConfigErrorCode

  constructor(code: ConfigErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
