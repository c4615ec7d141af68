/** What the HTTP interface is told about who may use it. */
import { ADMIN_KEY_LENGTH_MIN, parseScope, type Scope } from '../security/index.ts'
import { ConfigError } from './config-error.ts'

export interface OidcConfig {
  readonly issuer: string
  readonly audience: string
  readonly jwksUri: string | undefined
  readonly scopeClaim: string
}

export interface HttpAccessConfig {
  /** open: anyone may do anything. */
  readonly auth: 'open' | 'required'
  readonly loopback: boolean
  readonly adminKey: string | undefined
  readonly anonymousScopes: readonly Scope[]
  readonly corsOrigins: readonly string[]
  readonly oidc: OidcConfig | undefined
}

/** The settings as text, '' where absent. */
export interface HttpAccessTexts {
  readonly httpAuth: string
  readonly adminKey: string
  readonly httpAnonymous: string
  readonly corsOrigins: string
  readonly oidcIssuer: string
  readonly oidcAudience: string
  readonly oidcJwks: string
  readonly oidcScopeClaim: string
}

/** @throws ConfigError */
export function readHttpAccess(
  texts: HttpAccessTexts,
  place: { loopback: boolean; insecureListen: boolean },
): HttpAccessConfig {
  const { httpAuth, adminKey } = texts
  if (httpAuth !== '' && httpAuth !== 'open' && httpAuth !== 'required') {
    throw new ConfigError(`--http-auth must be open or required, but is ${JSON.stringify(httpAuth)}.`)
  }
  if (adminKey !== '' && adminKey.length < ADMIN_KEY_LENGTH_MIN) {
    throw new ConfigError(
      `VARVE_ADMIN_KEY must have ${ADMIN_KEY_LENGTH_MIN} characters or more: make one with \`openssl rand -base64 32\`.`,
    )
  }
  const auth = httpAuth || (place.loopback || place.insecureListen ? 'open' : 'required')
  if (auth === 'open' && !place.loopback && !place.insecureListen) {
    throw new ConfigError(
      '--http-auth open lets anyone who reaches --http read and write: use 127.0.0.1, leave it out, or pass --insecure-listen if only trusted machines reach it.',
    )
  }
  return {
    auth,
    loopback: place.loopback,
    adminKey: adminKey || undefined,
    anonymousScopes: wordsOf(texts.httpAnonymous).map(readScope),
    corsOrigins: wordsOf(texts.corsOrigins).map(readOrigin),
    oidc: readOidc(texts),
  }
}

function readOidc({ oidcIssuer, oidcAudience, oidcJwks, oidcScopeClaim }: HttpAccessTexts): OidcConfig | undefined {
  if (oidcIssuer === '' && oidcAudience === '' && oidcJwks === '') return undefined
  if (oidcIssuer === '' || oidcAudience === '') {
    throw new ConfigError('Tokens of an OpenID provider need both --oidc-issuer and --oidc-audience.')
  }
  for (const uri of [oidcIssuer, oidcJwks]) {
    if (uri !== '' && !URL.canParse(uri))
      throw new ConfigError(`${JSON.stringify(uri)} is no URL: see --oidc-issuer and --oidc-jwks.`)
  }
  return {
    issuer: oidcIssuer,
    audience: oidcAudience,
    jwksUri: oidcJwks || undefined,
    scopeClaim: oidcScopeClaim || 'scope',
  }
}

function readScope(text: string): Scope {
  const scope = parseScope(text)
  if (!scope)
    throw new ConfigError(`--http-anonymous must list scopes such as produce:web-*, but has ${JSON.stringify(text)}.`)
  return scope
}

function readOrigin(text: string): string {
  if (text === '*' || URL.parse(text)?.origin === text) return text
  throw new ConfigError(
    `--cors-origins must list origins such as https://example.com, or *, but has ${JSON.stringify(text)}.`,
  )
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(word => word !== '')
}
