/** The keys of an OpenID provider, over HTTPS (OpenID Connect Discovery 1.0, RFC 7517). */
import { type Clock, SingleFlight } from '../base/index.ts'
import type { FetchJwks } from '../security/index.ts'

/** Kept for so long, */
const KEPT_MS = 10 * 60_000
/** and asked for again earlier where a token names a key that is not among them, but no more often than this. */
const FRESH_MS_MIN = 30_000
const ANSWER_MS = 5_000

type Jwks = Awaited<ReturnType<FetchJwks>>

/** `jwksUri` undefined: what the issuer's discovery document says. */
export function jwksOf(issuer: string, jwksUri: string | undefined, clock: Clock): FetchJwks {
  const flights = new SingleFlight<'jwks', Jwks>()
  let known: { readonly jwks: Jwks; readonly askedAt: number } | undefined
  const ask = async (): Promise<Jwks> => {
    const askedAt = clock.monotonic()
    const uri =
      jwksUri ?? textMember(await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`), 'jwks_uri')
    const jwks = (await getJson(uri)) as unknown as Jwks
    if (!Array.isArray(jwks.keys)) throw new Error(`${uri} is no JSON Web Key Set`)
    known = { jwks, askedAt }
    return jwks
  }
  return async fresh => {
    const age = known ? clock.monotonic() - known.askedAt : Number.POSITIVE_INFINITY
    if (known && age < (fresh ? FRESH_MS_MIN : KEPT_MS)) return known.jwks
    return flights.run('jwks', ask)
  }
}

async function getJson(uri: string): Promise<Record<string, unknown>> {
  const answer = await fetch(uri, { signal: AbortSignal.timeout(ANSWER_MS) })
  if (!answer.ok) throw new Error(`${uri} answered ${answer.status}`)
  return (await answer.json()) as Record<string, unknown>
}

function textMember(object: Record<string, unknown>, name: string): string {
  const value = object[name]
  if (typeof value !== 'string') throw new Error(`the discovery document has no ${name}`)
  return value
}
