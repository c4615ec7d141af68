/**
 * The shape of a handler: one Kafka API, in a file of `handlers/` named after it, whose head says its versions, its
 * behaviour and its departures from Apache Kafka. The registry lists the handlers; ApiVersions is derived from it.
 *
 * A handler gets a decoded request and answers with a response body. It throws only for a broken request
 * (`CloseConnection`) or a bug: domain errors become Kafka's codes by `errorCodeOf` (errors.ts), at the place in the body where the
 * protocol wants them.
 */
import { type Clock, type Logger, VarveError } from '../base/index.ts'
import type { StoredConfigs } from '../configs/index.ts'
import type { Groups } from '../groups/index.ts'
import type { Log } from '../log/index.ts'
import type { Api, Decoded, Encodable, Fields } from '../protocol/index.ts'
import type { ShareGroups } from '../share/index.ts'
import type { Transactions } from '../transactions/index.ts'
import type { BrokerConfig } from './broker-config.ts'
import type { Cluster } from './cluster.ts'

/** What handlers may use; one for the life of a gateway. */
export interface Broker {
  readonly log: Log
  readonly groups: Groups
  readonly shares: ShareGroups
  readonly transactions: Transactions
  readonly cluster: Cluster
  /** Of groups, of subscriptions to clients' metrics, of clients (quotas) and of brokers. */
  readonly configs: StoredConfigs
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}

/** One request's surroundings. */
export interface RequestContext extends Broker {
  /** All handlers, for ApiVersions. */
  readonly handlers: readonly Handler[]
  readonly apiVersion: number
  readonly clientId: string | null
  /** The client's IP address as Kafka shows it in groups: with a leading `/`. */
  readonly clientHost: string
  /** Unique in this process while the connection lives. */
  readonly connectionId: number
  /** Aborts when the connection closes or the gateway shuts down: whoever waits should stop waiting and answer. */
  readonly signal: AbortSignal
  /**
   * Requests of a connection begin in the order received, each when the one before has answered. A handler that has
   * handed over what must stay in order (Produce: its batches to the log), or that only waits (Fetch, JoinGroup), lets
   * the next one begin earlier. Answers are sent in order all the same. May be called any number of times.
   */
  letNextBegin(): void
  /** Memory for answers, shared by all connections. Held until this request's answer is ready; then its bytes count. */
  readonly memory: AnswerMemory
  /** `done` is called when the client has been sent this request's answer; never, if the connection breaks before. */
  whenSent(done: () => void): void
}

export interface AnswerMemory {
  /** Counts up to `wanted` bytes before they are there, and says how many: fewer, or 0, where much is in use. */
  reserve(wanted: number): number
  release(bytes: number): void
  /** Resolves when there may be something to reserve. */
  room(): Promise<void>
}

/** The connection is closed, without an answer to this request (a broken request; acks=0 that failed). */
export class CloseConnection extends VarveError {
  readonly code = 'CLOSE_CONNECTION'
}

/** What a handler answers where the protocol has no response (Produce with acks=0). */
export const noResponse = Symbol('no response')

/** A handler as the registry and the gateway see it. */
export interface Handler {
  readonly api: Api
  /** First and last version that this handler serves. */
  readonly versions: readonly [number, number]
  /** First and last version that ApiVersions tells of. */
  readonly advertised: readonly [number, number]
  handle(request: unknown, context: RequestContext): Promise<unknown>
}

export interface HandlerOptions<Q extends Fields, R extends Fields> {
  /** Default: what the API's table advertises and has. */
  readonly versions?: readonly [number, number]
  handle(request: Decoded<Q>, context: RequestContext): HandlerAnswer<R> | Promise<HandlerAnswer<R>>
}

export type HandlerAnswer<R extends Fields> = Encodable<R> | typeof noResponse

/** Ties an API's tables to the code between its request and its response. */
export function handler<Q extends Fields, R extends Fields>(api: Api<Q, R>, options: HandlerOptions<Q, R>): Handler {
  const [first, last] = api.request.versions
  const [firstAdvertised, lastAdvertised] = api.advertised
  return {
    api: api as unknown as Api,
    versions: options.versions ?? [Math.max(first, firstAdvertised), Math.min(last, lastAdvertised)],
    advertised: options.versions ?? api.advertised,
    handle: async (request, context) => options.handle(request as Decoded<Q>, context),
  }
}
