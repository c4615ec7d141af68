import { VarveError } from '../base/index.ts'

/** A setting that cannot be; the message is one sentence that says what to do. */
export class ConfigError extends VarveError {
  readonly code = 'CONFIG'
}
