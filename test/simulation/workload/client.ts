import type { ForkRequest, Topic } from '../../../lib/log/index.ts'
import type { Operation, TopicChange, Violation } from '../checker/index.ts'
import type { CompactedPlan } from '../compacted-plan.ts'
import type { Cluster } from '../world/cluster.ts'
import { Connection, RemoteError, type Work } from '../world/network.ts'
import { Rng } from '../world/rng.ts'
import type { World } from '../world/world.ts'
import { Borrowed } from './borrowed.ts'

/** How long a client waits for an answer, in ms. */
export const CALL_TIMEOUT_MS = 40_000

/** Clocks are hours apart here, and an append from the future as a gateway sees it would be refused. */
export const CONFIGS = { 'message.timestamp.after.max.ms': '9223372036854775807', 'retention.ms': '-1' }

const ARCHIVED_CONFIGS = { 'varve.archive': 'iceberg', 'varve.archive.lag.ms': '0' }

/** Codes after which the call may have been done, or may yet be. All others promise that it was not. */
const unknownCodes = new Set([
  'CONNECTION_LOST',
  'CLIENT_TIMEOUT',
  'REQUEST_TIMED_OUT',
  'INTERNAL',
  'STORE_OUTCOME_UNKNOWN',
  'STORE_UNAVAILABLE',
  'STORE_THROTTLED',
])

/** What all clients of one history share. */
export interface Scene {
  readonly world: World
  readonly cluster: Cluster
  readonly seed: number
  readonly history: Operation[]
  readonly violations: Violation[]
  readonly connections: Set<Connection>
  readonly compacted?: CompactedPlan | undefined
  /** All topics are archived. */
  readonly archived: boolean
  /** Clocks are right: what is kept for a time is kept for that time. */
  readonly clocksRight: boolean
  /** From here on every call must have its answer in time: nothing goes wrong any more, nor is late from before. */
  readonly calmFromMs: number
}

export function reportError(scene: Scene, error: unknown, where: string): void {
  const what = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error)
  scene.violations.push({ property: 'engine-error', what: `${where}: ${what}` })
}

export type Failure =
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown'; readonly code: string }

/** One client: a connection at a time, to some gateway, another when it breaks. */
export class Client {
  readonly name: string
  readonly rng: Rng
  readonly scene: Scene
  /** By its last read. */
  readonly borrowed = new Borrowed()
  readonly #chooseGateway: () => number
  #connection: Connection | undefined
  #connections = 0

  /** `chooseGateway` says where the next connection goes; anywhere by default. */
  constructor(scene: Scene, name: string, chooseGateway?: () => number) {
    this.scene = scene
    this.name = name
    this.rng = new Rng(scene.seed, 'client', name)
    this.#chooseGateway = chooseGateway ?? (() => this.rng.below(scene.cluster.size))
  }

  get connection(): Connection {
    if (this.#connection && !this.#connection.broken) return this.#connection
    const { world, cluster, seed, connections } = this.scene
    if (this.#connection) connections.delete(this.#connection)
    this.#connection = new Connection({
      world,
      seed,
      gateway: cluster.gateway(this.#chooseGateway()),
      name: `${this.name}#${++this.#connections}`,
      onError: (error, where) => reportError(this.scene, error, where),
    })
    connections.add(this.#connection)
    return this.#connection
  }

  /** The next call goes to another connection. */
  reconnect(): void {
    this.#connection?.close()
  }

  /** A connection that answers too late is given up, as Kafka's clients do. */
  async call<T>(name: string, work: Work<T>, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
    const { connection } = this
    const { world, calmFromMs, violations } = this.scene
    const calm = world.time >= calmFromMs && !connection.isOrphan
    try {
      return await connection.call(name, timeoutMs, work)
    } catch (error) {
      if (error instanceof RemoteError && error.code === 'CLIENT_TIMEOUT') {
        connection.close()
        if (calm) violations.push({ property: 'unanswered', what: `${this.name}: ${name}` })
      }
      throw error
    }
  }

  /** Calls until it succeeds, with pauses, on a new connection after an error. */
  async insist<T>(name: string, work: Work<T>): Promise<T> {
    for (;;) {
      try {
        return await this.call(name, work)
      } catch (error) {
        failureOf(error)
        this.reconnect()
        await this.pause(500)
      }
    }
  }

  /** Between nothing and twice `ms`. */
  pause(ms: number): Promise<void> {
    return this.scene.world.sleep(this.rng.fraction() * 2 * ms)
  }

  /** Creates a topic, or finds that an attempt of its own had done so. */
  async createTopic(name: string, partitions: number, configs: Record<string, string> = {}): Promise<Topic> {
    for (;;) {
      const outcome = await this.tryCreate(name, partitions, configs)
      if (outcome.kind === 'done') return outcome.topic
      if (outcome.kind === 'refused' && outcome.code === 'TOPIC_EXISTS') {
        const topic = await this.insist(`find ${name}`, ({ log }) => log.topics.find({ name }))
        if (topic) return topic
      }
      this.reconnect()
      await this.pause(500)
    }
  }

  tryCreate(name: string, partitions: number, configs: Record<string, string> = {}): Promise<TopicOutcome> {
    const all = { ...CONFIGS, ...(this.scene.archived && ARCHIVED_CONFIGS), ...configs }
    return this.#change('create', name, partitions, ({ log }) => log.topics.create({ name, partitions, configs: all }))
  }

  /** It has as many partitions as its source. */
  tryFork(request: ForkRequest, partitions: number): Promise<TopicOutcome> {
    return this.#change('create', request.name, partitions, ({ log }) => log.fork(request))
  }

  tryGrow(topic: Topic, partitions: number): Promise<TopicOutcome> {
    return this.#change('grow', topic.name, partitions, ({ log }) => log.topics.addPartitions(topic.name, partitions))
  }

  async tryDelete(name: string): Promise<Failure | { readonly kind: 'deleted' }> {
    const change = this.#begin('delete', name, 0)
    try {
      await this.call(`delete ${name}`, ({ log }) => log.topics.delete(name))
      change.outcome = { kind: 'done', id: '' }
      return { kind: 'deleted' }
    } catch (error) {
      const failure = failureOf(error)
      change.outcome = failure
      return failure
    } finally {
      change.completed = this.scene.world.tick()
      change.completedAtMs = this.scene.world.time
    }
  }

  async #change(kind: TopicChange['kind'], name: string, partitions: number, work: Work<Topic>): Promise<TopicOutcome> {
    const change = this.#begin(kind, name, partitions)
    try {
      const topic = await this.call(`${kind} ${name}`, work)
      change.outcome = { kind: 'done', id: topic.id }
      return { kind: 'done', topic }
    } catch (error) {
      const failure = failureOf(error)
      change.outcome = failure
      return failure
    } finally {
      change.completed = this.scene.world.tick()
      change.completedAtMs = this.scene.world.time
    }
  }

  #begin(kind: TopicChange['kind'], name: string, partitions: number): TopicChange {
    const change: TopicChange = {
      kind,
      name,
      partitions,
      completedAtMs: Infinity,
      invoked: this.scene.world.tick(),
      completed: Infinity,
      outcome: { kind: 'unknown', code: 'NO_ANSWER' },
    }
    this.scene.history.push(change)
    return change
  }
}

export type TopicOutcome = { readonly kind: 'done'; readonly topic: Topic } | Failure

/** @throws what is not a RemoteError */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof RemoteError)) throw error
  return { kind: unknownCodes.has(error.code) ? 'unknown' : 'refused', code: error.code }
}
