/**
 * A route as data: what it is for the document (openapi.ts), what it takes, who may, and what it does. Parameters are checked
 * by their schemas before anything else; unknown ones are refused, because a name with a slip in it would change nothing.
 */
import type { Context, Hono } from 'hono'
import * as z from 'zod'
import { type Action, allows, allowsGroup, type Principal } from '../security/index.ts'
import { AnswerHold } from './answer-memory.ts'
import { readWhole } from './body.ts'
import { HttpError } from './errors.ts'
import { parseJson } from './json.ts'
import type { HttpParts } from './parts.ts'
import { textIn } from './text.ts'

/** Who the caller of a long answer is holds for so long; a revoked key is believed for a few seconds besides. */
const IDENTIFIED_MS = 5_000

/** As REST Proxy v3 has it: `records:batch`. */
const VERB = 'verb'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** Media type → schema; undefined: bytes or text without one. */
export type Content = Readonly<Record<string, z.ZodType | undefined>>

export interface RouteInfo {
  readonly method: Method
  /** `/v1/topics/{topic}`, `/v3/clusters/{cluster}/topics/{topic}/records:batch` */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly body?: Content
  /** Of success; problems are the same everywhere. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly content?: Content }>>
}

export interface RouteOptions<P extends z.ZodObject, Q extends z.ZodObject> extends RouteInfo {
  readonly params: P
  readonly query: Q
  handle(call: Call<z.infer<P>, z.infer<Q>>, parts: HttpParts): Promise<Response> | Response
  /** The answer to an error, where it is no problem document. */
  refuse?(error: unknown, parts: HttpParts): Response
}

export interface Call<P, Q> {
  readonly params: P
  readonly query: Q
  readonly request: Request
  readonly principal: Principal
  /** Aborts when the caller is gone or the process shuts down. */
  readonly signal: AbortSignal
  /** For answers with records: what they hold is counted. */
  readonly answer: AnswerHold
  /**
   * Asks again who the caller is, unless that was asked a moment ago; what is demanded then is demanded of who it is now. For
   * answers that outlast a key or a token. @throws UnauthenticatedError; KeyError, StoreError where nobody can look
   */
  renew(): Promise<void>
  /** @throws HttpError FORBIDDEN */
  demand(action: Exclude<Action, 'group'>, name?: string): void
  /** A right to it on some topic. @throws HttpError FORBIDDEN */
  demandSome(action: 'produce' | 'consume'): void
  /** @throws HttpError FORBIDDEN */
  demandGroup(groupId: string): void
  /** The body as JSON of this shape. @throws HttpError */
  json<S extends z.ZodType>(schema: S): Promise<z.infer<S>>
  /** The same; undefined where the body is empty. @throws HttpError */
  jsonIfAny<S extends z.ZodType>(schema: S): Promise<z.infer<S> | undefined>
}

export interface Route extends RouteInfo {
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  mount(app: Hono<AppEnv>, parts: HttpParts): void
}

export interface AppEnv {
  Variables: {
    principal: Principal
    /** Absent where it cannot change. */
    identifyAgain?: () => Promise<Principal>
  }
}

/** Ties the schemas to the handler. */
export function route<P extends z.ZodObject, Q extends z.ZodObject>(options: RouteOptions<P, Q>): Route {
  const mount = (app: Hono<AppEnv>, parts: HttpParts) => {
    // A colon inside a part of a path is no more than that, and a pattern for Hono to take as it is.
    const path = options.path.replaceAll(/\{(\w+)\}|\w+:\w+/g, (part, name) =>
      name ? `:${name}` : `:${VERB}{${part}}`,
    )
    app.on(options.method.toUpperCase(), path, async context => {
      const { raw } = context.req
      const signal = AbortSignal.any([raw.signal, parts.closing])
      const answer = new AnswerHold(parts.answerMemory, signal)
      try {
        const query = check(options.query, queryOf(context.req.url, options.query), 'query')
        const params = check(options.params, namesOf(context.req.param()), 'path')
        const response = await options.handle(callOf({ context, parts, params, query, signal, answer }), parts)
        // Nobody takes the body of an answer to HEAD.
        if (raw.method === 'HEAD') answer.release()
        return response
      } catch (error) {
        answer.release()
        if (options.refuse) return options.refuse(error, parts)
        throw error
      }
    })
  }
  return { ...options, mount }
}

export const nothing = z.strictObject({})

/** A whole number in a path or a query. */
export function whole(min: number, max: number) {
  return z.preprocess(
    text => (typeof text === 'string' && /^-?\d{1,16}$/.test(text) ? Number(text) : text),
    z.int().min(min).max(max),
  )
}

/** `true` or `false` in a query. */
export const flag = z.preprocess(text => (text === 'true' ? true : text === 'false' ? false : text), z.boolean())

/** @throws HttpError BAD_REQUEST that says where the value is wrong */
export function check<S extends z.ZodType>(schema: S, value: unknown, where: string): z.infer<S> {
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const errors = checked.error.issues.map(({ path, message }) => ({ at: [where, ...path].join('.'), message }))
  const { at, message } = errors[0]!
  throw new HttpError('BAD_REQUEST', `${at}: ${message}`, { errors })
}

export function jsonResponse(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } })
}

function namesOf({ [VERB]: _, ...names }: Readonly<Record<string, string>>): Record<string, string> {
  return names
}

/** @throws HttpError BAD_REQUEST where one of the route's parameters is there twice */
function queryOf(url: string, { shape }: z.ZodObject): Record<string, string> {
  const { searchParams } = new URL(url)
  const twice = Object.keys(shape).find(name => searchParams.getAll(name).length > 1)
  if (twice !== undefined) throw new HttpError('BAD_REQUEST', `query.${twice}: given more than once`)
  return Object.fromEntries(searchParams)
}

function callOf<P, Q>(
  options: Pick<Call<P, Q>, 'params' | 'query' | 'signal' | 'answer'> & {
    readonly context: Context<AppEnv>
    readonly parts: HttpParts
  },
): Call<P, Q> {
  const { context, parts, params, query, signal, answer } = options
  const request = context.req.raw
  const identifyAgain = context.get('identifyAgain')
  let principal = context.get('principal')
  let askedAt = parts.clock.monotonic()
  return {
    params,
    query,
    request,
    get principal() {
      return principal
    },
    signal,
    answer,
    renew: async () => {
      const now = parts.clock.monotonic()
      if (!identifyAgain || now - askedAt < IDENTIFIED_MS) return
      principal = await identifyAgain()
      askedAt = now
    },
    demand: (action, name) => {
      if (!allows(principal, action, name)) throw forbidden(principal, `${action} ${name ?? 'everything'}`)
    },
    demandSome: action => {
      const has = principal.scopes.some(scope => scope.action === action || scope.action === 'admin')
      if (!has) throw forbidden(principal, `${action} anywhere`)
    },
    demandGroup: groupId => {
      if (!allowsGroup(principal, groupId)) throw forbidden(principal, `use the group ${groupId}`)
    },
    json: async schema => check(schema, parseJson(await textOf(request, parts)), 'body'),
    jsonIfAny: async schema => {
      const text = await textOf(request, parts)
      return text.trim() === '' ? undefined : check(schema, parseJson(text), 'body')
    },
  }
}

async function textOf(request: Request, parts: HttpParts): Promise<string> {
  const text = textIn(await readWhole(request, parts))
  if (text === undefined) throw new HttpError('MALFORMED_BODY', 'the body is not UTF-8')
  return text
}

function forbidden({ name }: Principal, what: string): HttpError {
  return new HttpError('FORBIDDEN', `${name} may not ${what}`)
}
