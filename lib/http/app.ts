/**
 * The HTTP interface as one Hono app: Request in, Response out, the same on Node and in a Lambda function. Whoever assembles it
 * gives it the engine and says who may.
 */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Clock, Logger, Random } from '../base/index.ts'
import type { Groups } from '../groups/index.ts'
import type { Log } from '../log/index.ts'
import type { Subscriptions } from '../push/index.ts'
import { ApiKeys } from '../security/index.ts'
import type { ItemStore } from '../storage/index.ts'
import { AnswerMemory } from './answer-memory.ts'
import { BodyMemory } from './body-memory.ts'
import { consumeRoutes } from './consume/consume-routes.ts'
import { tailRoute } from './consume/tail-route.ts'
import { compressResponse, encodingFor } from './content-encoding.ts'
import { docsPage } from './docs-page.ts'
import { HttpError } from './errors.ts'
import { groupRoutes } from './groups/group-routes.ts'
import { pollRoute } from './groups/poll-route.ts'
import { type GuardOptions, guard, type HttpAccess } from './guard.ts'
import { keyRoutes } from './key-routes.ts'
import { defaultHttpLimits, type HttpLimits } from './limits.ts'
import { type OpenApiDocument, openApiOf } from './openapi.ts'
import type { HttpParts } from './parts.ts'
import { problemOf, problemResponse } from './problems.ts'
import { Appender } from './produce/appender.ts'
import { IdempotencyKeys } from './produce/idempotency-keys.ts'
import { produceRoutes } from './produce/produce-routes.ts'
import { producerRoute } from './produce/producer-routes.ts'
import { StickyPartitions } from './produce/sticky-partitions.ts'
import { ConsumerInstances } from './rest-proxy/consumer-instances.ts'
import { v2ConsumerRoutes } from './rest-proxy/v2-consumer-routes.ts'
import { v2TopicRoutes } from './rest-proxy/v2-topic-routes.ts'
import { v3Routes } from './rest-proxy/v3-routes.ts'
import { type AppEnv, jsonResponse, type Route } from './route.ts'
import { subscriptionRoutes } from './subscription-routes.ts'
import { topicRoutes } from './topic-routes.ts'

export interface HttpOptions {
  readonly log: Log
  readonly groups: Groups
  readonly subscriptions: Subscriptions
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly autoCreateTopics: boolean
  readonly defaultPartitions: number
  /** Aborts when the process shuts down; streams and long polls end then. */
  readonly closing: AbortSignal
  readonly items: ItemStore
  /** As Kafka shows it; `varve` unless told. */
  readonly clusterId?: string
  readonly access: HttpAccess
  readonly identify?: GuardOptions['identify']
  /** Origins of pages that may use this server from a browser; `*`: all. Default: none. */
  readonly corsOrigins?: readonly string[]
  readonly limits?: Partial<HttpLimits>
}

const CORS = {
  allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposeHeaders: [
    'varve-next-offset',
    'varve-start-offset',
    'varve-end-offset',
    'varve-position',
    'varve-aborted-transactions',
    'retry-after',
    'location',
  ],
  maxAge: 600,
}

/** What `mountDocument` serves. */
const DOCUMENT_PATHS: readonly string[] = ['/', '/docs', '/openapi.json']

export const routes: readonly Route[] = [
  ...topicRoutes,
  ...produceRoutes,
  producerRoute,
  ...consumeRoutes,
  tailRoute,
  ...groupRoutes,
  pollRoute,
  ...subscriptionRoutes,
  ...keyRoutes,
  ...v2TopicRoutes,
  ...v2ConsumerRoutes,
  ...v3Routes,
]

export function createHttpApp(options: HttpOptions): Hono<AppEnv> {
  const { log, clock, random, logger, items, access, corsOrigins = [] } = options
  const limits = { ...defaultHttpLimits, ...options.limits }
  const parts: HttpParts = {
    ...options,
    limits,
    bodyMemory: new BodyMemory(limits.bodiesBytesMax),
    answerMemory: new AnswerMemory({ clock, limits }),
    clusterId: options.clusterId ?? 'varve',
    instances: new ConsumerInstances({ items, clock, random }),
    idempotencyKeys: new IdempotencyKeys({ items, log, clock, random }),
    // One for both: what is revoked here opens nothing here at once.
    keys: access.kind === 'closed' ? access.authenticator.keys : new ApiKeys({ items, clock, random }),
    appender: new Appender({ log, clock, sticky: new StickyPartitions(random) }),
  }
  const app = new Hono<AppEnv>()
  app.onError(error => problemResponse(problemOf(error, logger)))
  app.use(async (context, next) => {
    await next()
    const encoding = encodingFor(context.req.header('accept-encoding') ?? null)
    if (!encoding) return
    const compressed = compressResponse(context.res, encoding)
    // Hono would copy the headers of the one before.
    context.res = undefined
    context.res = compressed
  })
  if (corsOrigins.length > 0) app.use(cors({ origin: corsOrigins.includes('*') ? '*' : [...corsOrigins], ...CORS }))
  mountDocument(app)
  app.use(async (context, next) => {
    await next()
    parts.bodyMemory.release(context.req.raw)
  })
  app.use(guard({ ...options, corsOrigins }))
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
  const methods = fitting.map(({ method }) => method.toUpperCase())
  return [...new Set(DOCUMENT_PATHS.includes(path) ? ['GET', ...methods] : methods)]
}
