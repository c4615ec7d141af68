/**
 * The HTTP interface behind a Function URL: its event (payload format 2.0) becomes a Request, and the Response goes out as a stream
 * where the runtime can (the URL's InvokeMode RESPONSE_STREAM), so that a live tail arrives as it happens.
 */
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StoredConfigs } from '../../configs/index.ts'
import { Groups } from '../../groups/index.ts'
import { badRequestResponse, createHttpApp } from '../../http/index.ts'
import type { Principal } from '../../security/index.ts'
import { openHttpAccess } from '../http-access.ts'
import { readHttpAccess } from '../http-config.ts'
import { type FunctionVarve, functionVarve } from './open-varve.ts'
import { subscriptionsElsewhere } from './subscriptions-elsewhere.ts'

/** "Lambda function URLs: request payload format". */
export interface UrlEvent {
  readonly rawPath: string
  readonly rawQueryString: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly cookies?: readonly string[]
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly requestContext: {
    readonly domainName: string
    readonly http: { readonly method: string }
    /** Where the URL asks IAM: who signed the request. */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } }
  }
}

export interface UrlAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly string[]
  readonly body: string
  readonly isBase64Encoded: true
}

/** What the Node runtime gives to functions that stream ("Response streaming for Lambda functions"). */
interface StreamingRuntime {
  streamifyResponse(handler: (event: UrlEvent, stream: Writable) => Promise<void>): UrlHandler
  HttpResponseStream: { from(stream: Writable, metadata: Omit<UrlAnswer, 'body' | 'isBase64Encoded'>): Writable }
}

type UrlHandler = (event: UrlEvent) => Promise<UrlAnswer | undefined>
type Fetch = (request: Request, env: { readonly event: UrlEvent }) => Response | Promise<Response>

/** Lambda takes no more in a request. */
const BODY_BYTES_MAX = 6 * 1_024 * 1_024
/** Under the function's five minutes; a reader connects again where it was. */
const TAIL_MS_MAX = 4 * 60_000

export function httpHandler(): UrlHandler {
  let opened: { varve: FunctionVarve; app: Fetch } | undefined
  const fetchOf = () => {
    opened ??= openApp()
    return opened
  }
  // There are runtimes where it is there and has nothing in it.
  const runtime = (globalThis as { awslambda?: Partial<StreamingRuntime> }).awslambda
  const { streamifyResponse, HttpResponseStream } = runtime ?? {}
  if (!streamifyResponse || !HttpResponseStream) {
    return event => {
      const { varve, app } = fetchOf()
      return varve.invoke('http', async () => bufferedAnswer(await answerTo(event, app)))
    }
  }
  return streamifyResponse((event, stream) => {
    const { varve, app } = fetchOf()
    return varve.invoke('http', async () => {
      const response = await answerTo(event, app)
      await sendBody(response, HttpResponseStream.from(stream, metadataOf(response)))
    })
  })
}

function openApp(): { varve: FunctionVarve; app: Fetch } {
  const varve = functionVarve()
  const { env } = process
  const texts = {
    httpAuth: 'required',
    adminKey: env.VARVE_ADMIN_KEY ?? '',
    httpAnonymous: env.VARVE_HTTP_ANONYMOUS ?? '',
    corsOrigins: env.VARVE_CORS_ORIGINS ?? '',
    oidcIssuer: env.VARVE_OIDC_ISSUER ?? '',
    oidcAudience: env.VARVE_OIDC_AUDIENCE ?? '',
    oidcJwks: env.VARVE_OIDC_JWKS ?? '',
    oidcScopeClaim: env.VARVE_OIDC_SCOPE_CLAIM ?? '',
  }
  const app = createHttpApp({
    ...varve,
    ...openHttpAccess(readHttpAccess(texts, { loopback: false, insecureListen: false }), varve),
    identify: signerOf,
    groups: new Groups({ ...varve, topics: varve.log.topics, configs: new StoredConfigs(varve) }),
    subscriptions: subscriptionsElsewhere(varve, { served: env.VARVE_PUSH === 'true' }),
    autoCreateTopics: env.VARVE_AUTO_CREATE_TOPICS !== 'false',
    defaultPartitions: Number(env.VARVE_DEFAULT_PARTITIONS ?? 1),
    // A sandbox is never told that it ends.
    closing: new AbortController().signal,
    limits: { bodyBytesMax: BODY_BYTES_MAX, tailMsMax: TAIL_MS_MAX, waitMsMax: TAIL_MS_MAX },
  })
  return { varve, app: app.fetch }
}

/** IAM has asked already, and lets nobody call whom the account's owner did not let: he may do everything. */
export function signerOf(env: unknown): Principal | undefined {
  const arn = (env as { event: UrlEvent }).event.requestContext.authorizer?.iam?.userArn
  return arn ? { name: arn, scopes: [{ action: 'admin', pattern: '*' }] } : undefined
}

/** What is no request (a method that Fetch does not know, a header that HTTP does not) does not come to the app. */
export async function answerTo(event: UrlEvent, app: Fetch): Promise<Response> {
  let request: Request
  try {
    request = requestOf(event)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return badRequestResponse(error.message)
  }
  return app(request, { event })
}

/** @throws TypeError */
export function requestOf(event: UrlEvent): Request {
  const { rawPath, rawQueryString, body, isBase64Encoded, requestContext } = event
  const { method } = requestContext.http
  const headers = new Headers()
  for (const [name, value] of Object.entries(event.headers))
    if (value !== undefined) headers.set(name, bytesAsText(value))
  if (event.cookies?.length) headers.set('cookie', event.cookies.join('; '))
  const url = `https://${requestContext.domainName}${rawPath}${rawQueryString ? `?${rawQueryString}` : ''}`
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers,
    ...(hasBody ? { body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') } : {}),
  })
}

/** A header as Node's own server gives it: a character for each byte. */
function bytesAsText(value: string): string {
  return /[^\0-\xff]/.test(value) ? Buffer.from(value).toString('latin1') : value
}

function metadataOf({ status, headers }: Response): Omit<UrlAnswer, 'body' | 'isBase64Encoded'> {
  const told = Object.fromEntries([...headers].filter(([name]) => name !== 'set-cookie'))
  return { statusCode: status, headers: told, cookies: headers.getSetCookie() }
}

async function bufferedAnswer(response: Response): Promise<UrlAnswer> {
  const body = Buffer.from(await response.arrayBuffer()).toString('base64')
  return { ...metadataOf(response), body, isBase64Encoded: true }
}

/** Ends the stream, also where there is no body: the headers go out with the first bytes. */
async function sendBody({ body }: Response, stream: Writable): Promise<void> {
  if (body) return pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), stream)
  await new Promise<void>(resolve => {
    stream.write('')
    stream.end(resolve)
  })
}
