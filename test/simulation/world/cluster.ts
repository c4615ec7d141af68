import type { Logger } from '../../../lib/base/index.ts'
import { StoreError } from '../../../lib/storage/index.ts'
import type { ProcessParts, Service, SystemUnderTest, Tuning } from '../system.ts'
import type { Faults } from './faults.ts'
import { Process } from './process.ts'
import { SimulatedFiles } from './published-files.ts'
import type { Receiver } from './receiver.ts'
import type { Rng } from './rng.ts'
import { SimulatedItems, SimulatedObjects, StoreLink, type Truth } from './stores.ts'
import type { World } from './world.ts'

/** How long after its end a process is started again, in ms. */
const RESTART_MS = { low: 50, high: 20_000 }

/** One process with what it offers; `service` is undefined until it has started. */
export interface Gateway {
  readonly process: Process
  service: Service | undefined
}

/** The processes of the system over one truth: started, killed, frozen, and started again under new names. */
export class Cluster {
  readonly #world: World
  readonly #system: SystemUnderTest
  readonly #tuning: Tuning
  readonly #truth: Truth
  readonly #faults: Faults
  readonly #seed: number
  readonly #skewsMs: readonly number[]
  readonly #receiver: Receiver
  readonly #onError: (error: unknown, where: string) => void
  readonly #gateways: Gateway[] = []
  readonly #clocks: { lowMs: number; highMs: number }
  #lives = 0
  #upkeepStopped = false

  constructor(options: {
    world: World
    system: SystemUnderTest
    tuning: Tuning
    truth: Truth
    faults: Faults
    seed: number
    /** One gateway for each, its clock wrong by so much. */
    skewsMs: readonly number[]
    receiver: Receiver
    onError(error: unknown, where: string): void
  }) {
    this.#world = options.world
    this.#system = options.system
    this.#tuning = options.tuning
    this.#truth = options.truth
    this.#faults = options.faults
    this.#seed = options.seed
    this.#skewsMs = options.skewsMs
    this.#receiver = options.receiver
    this.#onError = options.onError
    this.#clocks = { lowMs: Math.min(0, ...options.skewsMs), highMs: Math.max(0, ...options.skewsMs) }
    for (const slot of options.skewsMs.keys()) this.start(slot)
  }

  get size(): number {
    return this.#gateways.length
  }

  gateway(slot: number): Gateway {
    return this.#gateways[slot % this.#gateways.length]!
  }

  /** How wrong the clocks of processes were, ever; 0 is one of it. */
  get clocks(): { readonly lowMs: number; readonly highMs: number } {
    return this.#clocks
  }

  jumpClock(slot: number, byMs: number): void {
    const { process } = this.gateway(slot)
    process.jumpClock(byMs)
    this.#clocks.lowMs = Math.min(this.#clocks.lowMs, process.skewMs)
    this.#clocks.highMs = Math.max(this.#clocks.highMs, process.skewMs)
  }

  /** No clock is behind what one here ever showed. */
  setClocksForward(): void {
    for (const [slot, { process }] of this.#gateways.entries()) {
      if (process.skewMs < this.#clocks.highMs) this.jumpClock(slot, this.#clocks.highMs - process.skewMs)
    }
  }

  /** A new process in the place of the one in `slot`, which must be dead. */
  start(slot: number): void {
    const process = new Process(this.#world, {
      name: `g${slot}.${++this.#lives}`,
      seed: this.#seed,
      skewMs: this.#gateways[slot]?.process.skewMs ?? this.#skewsMs[slot]!,
    })
    const gateway: Gateway = { process, service: undefined }
    this.#gateways[slot] = gateway
    this.#start(process, this.#tuning).then(
      service => {
        this.#world.note(process.name, 'ready')
        if (this.#upkeepStopped) void service.upkeep?.close()
        gateway.service = service
      },
      error => {
        if (!(error instanceof StoreError)) this.#onError(error, `${process.name} starting`)
        this.#world.note(process.name, `could not start: ${error}`)
        process.kill()
        this.#world.schedule(1_000, () => this.start(slot))
      },
    )
  }

  /** What is under way goes on to its end. */
  stopUpkeep(): void {
    this.#upkeepStopped = true
    for (const { service } of this.#gateways) void service?.upkeep?.close()
  }

  /** One more process, for work after all the others'. */
  startExtra(name: string, skewMs: number, tuning: Tuning): Promise<Service> {
    return this.#start(new Process(this.#world, { name, seed: this.#seed, skewMs }), tuning)
  }

  #start(process: Process, tuning: Tuning): Promise<Service> {
    const link = new StoreLink(this.#world, process, this.#faults)
    const objects = new SimulatedObjects(this.#world, process, this.#truth, link)
    const items = new SimulatedItems(process, this.#truth, link)
    const files = new SimulatedFiles(this.#world, process, this.#truth, link)
    const logger = this.#loggerOf(process)
    const { clock, random } = process
    const deliver: ProcessParts['deliver'] = (batch, signal) => this.#receiver.deliver(process, batch, signal)
    return this.#system.start({ name: process.name, tuning, objects, items, files, clock, random, logger, deliver })
  }

  kill(slot: number, rng: Rng): void {
    const { process } = this.gateway(slot)
    if (process.dead) return
    process.kill()
    this.#world.schedule(rng.spread(RESTART_MS.low, RESTART_MS.high), () => this.start(slot % this.size))
  }

  /** Ends the process as SIGTERM would; killed if that takes more than a minute. */
  async stop(slot: number, rng: Rng): Promise<void> {
    const { process, service } = this.gateway(slot)
    if (process.dead || process.frozen || !service) return
    this.#world.note(process.name, 'stopping')
    await Promise.race([
      service.close().catch(error => this.#onError(error, `${process.name} closing`)),
      this.#world.sleep(60_000),
    ])
    if (this.gateway(slot).process === process) this.kill(slot, rng)
  }

  async freeze(slot: number, ms: number): Promise<void> {
    const { process } = this.gateway(slot)
    if (process.dead || process.frozen) return
    process.freeze()
    await this.#world.sleep(ms)
    process.thaw()
  }

  thawAll(): void {
    for (const { process } of this.#gateways) process.thaw()
  }

  #loggerOf(process: Process): Logger {
    const line = (level: string) => (event: string, fields?: Record<string, unknown>) => {
      this.#world.note(process.name, `${level}: ${event}${fields ? ` ${JSON.stringify(fields)}` : ''}`)
      this.#world.count(`log:${event}`)
    }
    const error = line('error')
    return {
      info: line('info'),
      warn: line('warn'),
      error: (event, fields) => {
        error(event, fields)
        if (event === 'upkeep broken') this.#onError(new Error(JSON.stringify(fields)), `${process.name} upkeep`)
      },
    }
  }
}
