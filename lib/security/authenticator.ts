/** Who a caller is, by what it shows: the administrator's key, an API key, a token of an OpenID provider, or nothing. */
import type { Clock } from '../base/index.ts'
import { hashSecret, isSecretOf } from './api-key.ts'
import type { ApiKeys } from './api-keys.ts'
import { readCredentials } from './credentials.ts'
import { UnauthenticatedError } from './errors.ts'
import { type FetchJwks, type JwtRules, verifyJwt } from './jwt.ts'
import type { Principal, Scope } from './scopes.ts'

export interface AuthenticatorOptions {
  readonly keys: ApiKeys
  readonly clock: Clock
  /** Opens everything; how the first API key is made. */
  readonly adminKey?: string | undefined
  readonly jwt?: (JwtRules & { readonly fetchJwks: FetchJwks }) | undefined
  /** What callers may do that show nothing. */
  readonly anonymousScopes?: readonly Scope[]
}

/** The administrator's key must not be guessable. */
export const ADMIN_KEY_LENGTH_MIN = 32

export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #adminHash: Uint8Array | undefined

  constructor(options: AuthenticatorOptions) {
    this.#options = options
    this.#adminHash = options.adminKey === undefined ? undefined : hashSecret(options.adminKey)
  }

  get keys(): ApiKeys {
    return this.#options.keys
  }

  /** @throws UnauthenticatedError; KeyError, StoreError where nobody can look */
  async identify(authorization: string | null): Promise<Principal> {
    const { keys, jwt, clock, anonymousScopes = [] } = this.#options
    const shown = readCredentials(authorization)
    if (shown === undefined) {
      if (anonymousScopes.length > 0) return { name: 'anonymous', scopes: anonymousScopes }
      throw new UnauthenticatedError('show an API key or a token in the header Authorization, as Bearer or Basic')
    }
    if (shown === 'unreadable') throw new UnauthenticatedError('the header Authorization is neither Bearer nor Basic')
    if (shown.kind === 'key') {
      const key = await keys.find(shown.id)
      if (!key || !isSecretOf(key.secretHash, shown.secret)) throw new UnauthenticatedError('the API key is not known')
      return { name: `key:${key.id}`, scopes: key.scopes }
    }
    if (this.#adminHash && isSecretOf(this.#adminHash, shown.token)) {
      return { name: 'admin', scopes: [{ action: 'admin', pattern: '*' }] }
    }
    if (jwt && shown.token.split('.').length === 3) return verifyJwt(shown.token, jwt, clock.now(), jwt.fetchJwks)
    throw new UnauthenticatedError('the API key is not known')
  }
}
