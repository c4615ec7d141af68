/**
 * The HTTP interface as one Hono app: Request in, Response out, the same on Node and in a Lambda function. Whoever assembles it
 * gives it the engine and says who may.
 */
import { Hono } from 'hono'
import type { Clock, Logger, Random } from '../base/index.ts'
import type { Groups } from '../groups/index.ts'
import type { Log } from '../log/index.ts'
import { everybody } from '../security/index.ts'
import { consumeRoutes } from './consume/consume-routes.ts'
import { tailRoute } from './consume/tail-route.ts'
import { compressResponse, encodingFor } from './content-encoding.ts'
import { docsPage } from './docs-page.ts'
import { HttpError } from './errors.ts'
import { defaultHttpLimits, type HttpLimits } from './limits.ts'
import { type OpenApiDocument, openApiOf } from './openapi.ts'
import type { HttpParts } from './parts.ts'
import { problemOf, problemResponse } from './problems.ts'
import { Appender } from './produce/appender.ts'
import { StickyPartitions } from './produce/partitioner.ts'
import { produceRoutes } from './produce/produce-routes.ts'
import { type AppEnv, jsonResponse, type Route } from './route.ts'
import { topicRoutes } from './topic-routes.ts'

export interface HttpOptions {
  readonly log: Log
  readonly groups: Groups
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly autoCreateTopics: boolean
  readonly defaultPartitions: number
  /** Aborts when the process shuts down; streams and long polls end then. */
  readonly closing: AbortSignal
  readonly limits?: Partial<HttpLimits>
}

export const routes: readonly Route[] = [...topicRoutes, ...produceRoutes, ...consumeRoutes, tailRoute]

export function createHttpApp(options: HttpOptions): Hono<AppEnv> {
  const { log, clock, random, logger } = options
  const parts: HttpParts = {
    ...options,
    limits: { ...defaultHttpLimits, ...options.limits },
    appender: new Appender({ log, clock, sticky: new StickyPartitions(random) }),
  }
  const app = new Hono<AppEnv>()
  app.onError(error => problemResponse(problemOf(error, logger)))
  app.use(async (context, next) => {
    await next()
    const encoding = encodingFor(context.req.header('accept-encoding') ?? null)
    if (encoding) context.res = compressResponse(context.res, encoding)
  })
  app.use('/v1/*', async (context, next) => {
    context.set('principal', everybody)
    await next()
  })
  mountDocument(app)
  for (const route of routes) route.mount(app, parts)
  app.notFound(({ req }) => {
    const methods = methodsOf(req.path)
    const error =
      methods.length > 0
        ? new HttpError('METHOD_NOT_ALLOWED', `${req.path} takes ${methods.join(', ')}`)
        : new HttpError('NOT_FOUND', `there is no ${req.path}: see /docs`)
    return problemResponse(problemOf(error, logger), methods.length > 0 ? { allow: methods.join(', ') } : {})
  })
  return app
}

/** Made when it is first asked for, so that a cold start does not wait for it. */
function mountDocument(app: Hono<AppEnv>): void {
  let document: OpenApiDocument | undefined
  const made = () => (document ??= openApiOf(routes))
  app.get('/openapi.json', () => jsonResponse(made()))
  app.get('/docs', context => context.html(docsPage(made())))
  app.get('/', context => context.redirect('/docs'))
}

function methodsOf(path: string): string[] {
  const fitting = routes.filter(route => {
    const pattern = route.path.split('/').map(part => (part.startsWith('{') ? '[^/]+' : part.replaceAll('.', '\\.')))
    return new RegExp(`^${pattern.join('/')}$`).test(path)
  })
  return [...new Set(fitting.map(({ method }) => method.toUpperCase()))]
}
