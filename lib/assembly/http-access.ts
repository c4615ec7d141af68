import type { Clock, Random } from '../base/index.ts'
import type { HttpAccess } from '../http/index.ts'
import { ApiKeys, Authenticator } from '../security/index.ts'
import type { ItemStore } from '../storage/index.ts'
import type { HttpAccessConfig } from './http-config.ts'
import { jwksOf } from './jwks.ts'

interface Surroundings {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

/** Who may use the HTTP interface, as the config says. */
export function openHttpAccess(
  { auth, loopback, oidc, adminKey, anonymousScopes, corsOrigins }: HttpAccessConfig,
  surroundings: Surroundings,
): { readonly access: HttpAccess; readonly corsOrigins: readonly string[] } {
  if (auth === 'open') return { access: { kind: 'open', loopback }, corsOrigins }
  const { clock } = surroundings
  const jwt = oidc && { ...oidc, fetchJwks: jwksOf(oidc.issuer, oidc.jwksUri, clock) }
  const authenticator = new Authenticator({ keys: new ApiKeys(surroundings), clock, adminKey, jwt, anonymousScopes })
  return { access: { kind: 'closed', authenticator }, corsOrigins }
}
