/** JSON Web Tokens of an OpenID provider (RFC 7519, RFC 9068), verified against its keys. The keys are passed in. */
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { KeyError, UnauthenticatedError } from './errors.ts'
import { type Principal, parseScope } from './scopes.ts'

/** A shared secret is no way to say who somebody is, so only signatures that the provider alone can make. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const CLOCK_TOLERANCE_S = 60

export interface JwtRules {
  readonly issuer: string
  readonly audience: string
  /** The claim whose words are scopes, such as `scope` or `permissions`; words that are none are left out. */
  readonly scopeClaim: string
}

/** The provider's keys; `fresh`: asked for again, because a token is signed with one that is not among them. */
export type FetchJwks = (fresh: boolean) => Promise<JSONWebKeySet>

/** @throws UnauthenticatedError; KeyError ISSUER_UNAVAILABLE */
export async function verifyJwt(token: string, rules: JwtRules, now: number, fetchJwks: FetchJwks): Promise<Principal> {
  const jose = await loadJose()
  const verified = async (fresh: boolean) => verify(jose, { token, rules, now, keys: await keysOf(fetchJwks, fresh) })
  const refusalOf = (error: unknown) =>
    error instanceof jose.errors.JOSEError ? new UnauthenticatedError(`the token is refused: ${error.code}`) : error
  try {
    return await verified(false)
  } catch (error) {
    if (!(error instanceof jose.errors.JWKSNoMatchingKey)) throw refusalOf(error)
  }
  try {
    return await verified(true)
  } catch (error) {
    throw refusalOf(error)
  }
}

/** With the first token: most servers never see one, and none should start later for it. */
function loadJose() {
  return import('jose')
}

async function keysOf(fetchJwks: FetchJwks, fresh: boolean): Promise<JSONWebKeySet> {
  try {
    return await fetchJwks(fresh)
  } catch (error) {
    throw new KeyError('ISSUER_UNAVAILABLE', "the issuer's keys cannot be had", { cause: error })
  }
}

interface Verification {
  readonly token: string
  readonly rules: JwtRules
  readonly now: number
  readonly keys: JSONWebKeySet
}

async function verify(
  jose: Awaited<ReturnType<typeof loadJose>>,
  { token, rules, now, keys }: Verification,
): Promise<Principal> {
  const { payload } = await jose.jwtVerify(token, jose.createLocalJWKSet(keys), {
    issuer: rules.issuer,
    audience: rules.audience,
    algorithms: ALGORITHMS,
    currentDate: new Date(now),
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['exp', 'sub'],
  })
  return { name: `jwt:${payload.sub}`, scopes: scopesIn(payload, rules.scopeClaim) }
}

function scopesIn(payload: JWTPayload, claim: string): Principal['scopes'] {
  const value = payload[claim]
  const words = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value.map(String) : []
  return words.map(parseScope).filter(scope => scope !== undefined)
}
