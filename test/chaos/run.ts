/**
 * Real gateways over the same stores, with real clients, while processes are killed and frozen, and disks and networks fail;
 * then all is healed, and the simulation's checker judges what the clients were told.
 */
import { Admin } from '@platformatic/kafka'
import { checkHistory, type Send, type Violation } from '../simulation/checker/index.ts'
import { Rng } from '../simulation/world/rng.ts'
import { Chronicle } from './chronicle.ts'
import { gatewayDisasters, proxyDisasters, strikeUntil } from './disasters.ts'
import { createCloud, createEmbedded, type Environment, type EnvironmentName } from './environments.ts'
import { Gateway } from './gateway.ts'
import { ChaosProducer } from './producers.ts'
import { sleep } from './proxy.ts'
import { ChaosGroup, ChaosReader } from './readers.ts'

const GATEWAYS = 2
const PARTITIONS = 3
const TOPIC = 'chaos'
const GROUP = 'chaos-group'

/** Of a request to a store, or of Produce, to be sent a second time. */
const REPLAY_CHANCE = 0.02

/** After the healing everybody must be done within this. */
const LIVENESS_MS = 90_000
const STOP_MS_MAX = 30_000
const LOOK_MS = 200

export interface ChaosOptions {
  readonly environment: EnvironmentName
  readonly seed: number
  readonly forMs: number
  onEvent?(line: string): void
}

export interface ChaosReport {
  readonly violations: readonly Violation[]
  readonly struck: ReadonlyMap<string, number>
  readonly counters: ReadonlyMap<string, number>
  readonly replays: number
  /** What the gateways wrote last. */
  readonly output: string
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const rng = new Rng(options.seed, 'chaos', options.environment)
  const environment =
    options.environment === 'embedded' ? await createEmbedded() : await createCloud(rng, REPLAY_CHANCE)
  const run = new ChaosRun(options, rng, environment)
  try {
    return await run.run()
  } finally {
    await run.stop()
    await environment.stop()
  }
}

class ChaosRun {
  readonly #options: ChaosOptions
  readonly #rng: Rng
  readonly #environment: Environment
  readonly #chronicle = new Chronicle()
  readonly #gateways: Gateway[] = []
  #isStopped = false

  constructor(options: ChaosOptions, rng: Rng, environment: Environment) {
    this.#options = options
    this.#rng = rng
    this.#environment = environment
  }

  async run(): Promise<ChaosReport> {
    const { args, env } = this.#environment
    for (let i = 0; i < GATEWAYS; i++) {
      const gateway = await Gateway.create({ args, env, rng: this.#rng, replayChance: REPLAY_CHANCE })
      this.#gateways.push(gateway)
      await gateway.start()
    }
    await this.#createTopic()
    const producers = await this.#createProducers()
    const producing = Promise.all(producers.map(producer => producer.run()))
    const group = await ChaosGroup.join(GROUP, this.#bootstrap, TOPIC, 2)
    let isReadingOver = false
    const reading = this.#createReader('r0').follow(PARTITIONS, () => isReadingOver)
    const struck = await this.#strike()
    for (const producer of producers) producer.stop()
    const deadline = performance.now() + LIVENESS_MS
    await this.#within(deadline, producing, 'producers wait for their answers')
    isReadingOver = true
    await this.#within(deadline, reading, 'a reader waits for its answer')
    await this.#untilDelivered(group, deadline)
    await this.#within(deadline, group.close(), 'consumers do not end')
    await this.#drain(deadline)
    await this.stop()
    const { history, violations, counters } = this.#chronicle
    violations.push(...checkHistory(history))
    const proxies = [...this.#environment.proxies, ...this.#gateways.map(({ proxy }) => proxy)]
    const replays = proxies.reduce((sum, proxy) => sum + proxy.replays, 0)
    return { violations, struck, counters, replays, output: this.#gateways.map(({ output }) => output).join('\n') }
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    const ended = await Promise.all(this.#gateways.map(gateway => gateway.stop(STOP_MS_MAX)))
    if (ended.includes(false)) this.#chronicle.violated('stuck', 'a gateway does not end when asked to')
  }

  get #bootstrap(): string[] {
    return this.#gateways.map(({ bootstrap }) => bootstrap)
  }

  async #createTopic(): Promise<void> {
    const admin = new Admin({ clientId: 'chaos', bootstrapBrokers: this.#bootstrap })
    await admin.createTopics({ topics: [TOPIC], partitions: PARTITIONS })
    await admin.close()
  }

  #createProducers(): Promise<ChaosProducer[]> {
    const common = { bootstrap: this.#bootstrap, topic: TOPIC, partitions: PARTITIONS, chronicle: this.#chronicle }
    const optionsOf = (name: string) => ({ ...common, name, rng: new Rng(this.#options.seed, name) })
    return Promise.all([
      ChaosProducer.kafkaJs(optionsOf('kafkajs-0')),
      ChaosProducer.kafkaJs(optionsOf('kafkajs-1')),
      ChaosProducer.platformatic(optionsOf('platformatic-0')),
      ChaosProducer.platformatic(optionsOf('platformatic-1')),
    ])
  }

  #createReader(name: string): ChaosReader {
    const rng = new Rng(this.#options.seed, name)
    return new ChaosReader({ name, rng, bootstrap: this.#bootstrap, topic: TOPIC, chronicle: this.#chronicle })
  }

  async #strike(): Promise<Map<string, number>> {
    const { forMs, onEvent } = this.#options
    const { proxies, disasters } = this.#environment
    const clientProxies = this.#gateways.map(({ proxy }) => proxy)
    const all = [
      ...gatewayDisasters(this.#gateways),
      ...proxyDisasters('clients', clientProxies),
      ...proxyDisasters('stores', proxies),
      ...disasters,
    ]
    const began = performance.now()
    const tell = (name: string) => onEvent?.(`${((performance.now() - began) / 1_000).toFixed(1)} s: ${name}`)
    const struck = await strikeUntil(began + forMs, all, this.#rng, tell)
    for (const proxy of [...proxies, ...clientProxies]) proxy.calm()
    tell('healed')
    return struck
  }

  async #within(deadline: number, work: Promise<unknown>, what: string): Promise<void> {
    const done = await Promise.race([work.then(() => true), sleep(Math.max(0, deadline - performance.now()))])
    if (!done) this.#chronicle.violated('stuck', what)
  }

  /** A group reads all that was acknowledged. */
  async #untilDelivered(group: ChaosGroup, deadline: number): Promise<void> {
    const acked = this.#chronicle.history
      .filter((operation): operation is Send => operation.kind === 'send' && operation.outcome.kind === 'acked')
      .flatMap(({ values }) => values)
    const missing = () => acked.filter(value => !group.values.has(value))
    while (missing().length > 0 && performance.now() < deadline) await sleep(LOOK_MS)
    if (missing().length > 0)
      this.#chronicle.violated('unseen', `${missing().length} records did not reach the group, ${missing()[0]} first`)
  }

  async #drain(deadline: number): Promise<void> {
    for (const [i, { bootstrap }] of this.#gateways.entries()) {
      const rng = new Rng(this.#options.seed, 'drain', i)
      const options = { name: `drain-${i}`, rng, topic: TOPIC, chronicle: this.#chronicle }
      const reader = new ChaosReader({ ...options, bootstrap: [bootstrap] })
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const isDone = await reader.drain(partition, i, deadline)
        if (!isDone) this.#chronicle.violated('stuck', `partition ${partition} cannot be read through gateway ${i}`)
      }
      reader.close()
    }
  }
}
