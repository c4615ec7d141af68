import { type Logger, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { Groups } from '../../lib/groups/index.ts'
import { createHttpApp, type HttpOptions } from '../../lib/http/index.ts'
import { type Log, openLog } from '../../lib/log/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'
import { openSubscriptions } from '../support/subscriptions.ts'

type App = ReturnType<typeof createHttpApp>

/** The app over stores in memory, in this process. */
export interface HttpRig {
  readonly app: App
  readonly log: Log
  readonly groups: Groups
  readonly items: ReturnType<typeof memoryItems>
  readonly closing: AbortController
  /** What was logged: event and fields, as one text each. */
  readonly logged: readonly string[]
  /** Another process over the same stores. */
  another(options?: RigOptions): HttpRig
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
}

export interface RigOptions extends Partial<HttpOptions> {
  readonly wrapLog?: (log: Log) => Log
}

export function openHttpRig(options: RigOptions = {}, items = memoryItems(), objects = memoryObjects()): HttpRig {
  const logged: string[] = []
  const note = (event: string, fields: Record<string, unknown> = {}) => {
    logged.push(`${event} ${JSON.stringify(fields)}`)
  }
  const logger: Logger = { info: note, warn: note, error: note }
  const common = { items, objects, clock: options.clock ?? systemClock, random: systemRandom }
  const opened = openLog({ ...common, logger: silentLogger, flushBudget: Number.POSITIVE_INFINITY })
  const log = options.wrapLog?.(opened) ?? opened
  const groups = new Groups({ ...common, topics: log.topics, logger: silentLogger })
  const subscriptions = openSubscriptions({ ...common, log })
  const closing = new AbortController()
  const app = createHttpApp({
    ...common,
    logger,
    log,
    groups,
    subscriptions,
    autoCreateTopics: true,
    defaultPartitions: 1,
    closing: closing.signal,
    access: { kind: 'open', loopback: true },
    ...options,
  })
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const isJson = body !== undefined && !(typeof body === 'string' || body instanceof Uint8Array)
    return app.request(path, {
      method,
      headers: { ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as string) }),
    })
  }
  return {
    app,
    log,
    groups,
    items,
    closing,
    logged,
    another: more => openHttpRig({ ...options, ...more }, items, objects),
    send,
  }
}

/** The JSON of an answer, after its status was as expected. */
// biome-ignore lint/suspicious/noExplicitAny: what a client sees has no type
export async function bodyOf(response: Response, status = 200): Promise<any> {
  const text = await response.text()
  if (response.status !== status) throw new Error(`status ${response.status}, where ${status} was expected: ${text}`)
  return JSON.parse(text)
}

export function linesOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

export interface ServerEvent {
  readonly id?: string
  readonly event?: string
  readonly data?: string
}

/** The events of a stream as they come; comments left out. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  let rest = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
    const blocks = `${rest}${piece}`.split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const fields = block.split('\n').filter(line => !line.startsWith(':'))
      const event = Object.fromEntries(
        fields.map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      if (fields.length > 0) yield event
    }
  }
}

/** The log with some of its methods replaced. */
export function wrapLog(log: Log, more: Partial<Log>): Log {
  return new Proxy(log, {
    get: (_target, name) => {
      const found: unknown = Reflect.get(name in more ? more : log, name)
      return typeof found === 'function' ? found.bind(log) : found
    },
  })
}
