export { type ApiKey, describeKey } from './api-key.ts'
export { ApiKeys, type NewApiKey } from './api-keys.ts'
export { ADMIN_KEY_LENGTH_MIN, Authenticator, type AuthenticatorOptions } from './authenticator.ts'
export { keyToken } from './credentials.ts'
export { KeyError, type KeyErrorCode, UnauthenticatedError } from './errors.ts'
export { expiredKeys } from './expired-keys.ts'
export type { FetchJwks, JwtRules } from './jwt.ts'
export {
  type Action,
  actions,
  allows,
  allowsGroup,
  everybody,
  formatScope,
  type Principal,
  parseScope,
  readScope,
  type Scope,
} from './scopes.ts'
