/**
 * Who comes in. Where nobody is asked who he is (a server on loopback), pages that a browser on the same machine shows must not
 * be able to use it: a request whose Host is not a loopback name was led here by a name server, and one with a foreign Origin
 * comes from a page of somebody else, unless CORS allows it.
 */
import type { MiddlewareHandler } from 'hono'
import type { Logger } from '../base/index.ts'
import { type Authenticator, everybody, type Principal } from '../security/index.ts'
import { HttpError } from './errors.ts'
import { problemOf, problemResponse } from './problems.ts'
import type { AppEnv } from './route.ts'

export type HttpAccess =
  /** Anyone may do anything. `loopback`: the server can be reached from this machine alone. */
  | { readonly kind: 'open'; readonly loopback: boolean }
  | { readonly kind: 'closed'; readonly authenticator: Authenticator }

export interface GuardOptions {
  readonly access: HttpAccess
  /** Someone else has asked already (AWS IAM at a Function URL): who it is. `env` is what the runtime passes to the app. */
  readonly identify?: ((env: unknown) => Principal | undefined) | undefined
  readonly corsOrigins: readonly string[]
  readonly logger: Logger
}

const CHALLENGE = { 'www-authenticate': 'Bearer realm="varve", Basic realm="varve"' }

export function guard({ access, identify, corsOrigins, logger }: GuardOptions): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { req, env } = context
    try {
      const known = identify?.(env)
      if (known) context.set('principal', known)
      else if (access.kind === 'closed') {
        const { authenticator } = access
        const identifyAgain = () => authenticator.identify(req.header('authorization') ?? null)
        context.set('principal', await identifyAgain())
        context.set('identifyAgain', identifyAgain)
      } else {
        refuseForeign(req.url, req.header('origin'), { loopback: access.loopback, corsOrigins })
        context.set('principal', everybody)
      }
    } catch (error) {
      const problem = problemOf(error, logger)
      return problemResponse(problem, problem.status === 401 ? CHALLENGE : {})
    }
    return next()
  }
}

/** @throws HttpError FORBIDDEN */
function refuseForeign(
  url: string,
  origin: string | undefined,
  { loopback, corsOrigins }: { loopback: boolean; corsOrigins: readonly string[] },
): void {
  const { hostname, host } = new URL(url)
  if (loopback && !isLoopback(hostname)) {
    throw new HttpError('FORBIDDEN', `this server is open to its own machine only, and not by the name ${hostname}`)
  }
  if (origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)) return
  if (URL.parse(origin)?.host === host) return
  throw new HttpError('FORBIDDEN', `pages of ${origin} may not use this server: allow them with --cors-origins`)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
