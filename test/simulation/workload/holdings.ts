/** What a member of a consumer group holds, as it believes, written down for the checker from when to when. A place is a partition, or what else only one can have. */
import type { Holding } from '../checker/index.ts'
import type { Scene } from './client.ts'

/** The same in all that one member holds. */
type Holder = Pick<Holding, 'group' | 'instance' | 'sessionMs' | 'rebalanceMs'>

export interface Answered {
  /** It was told by it what the member holds, and that is no more than it should. */
  readonly hasGivenUp: boolean
  readonly joins: boolean
  readonly told: readonly string[] | undefined
}

/** When a member was told to have something. */
export interface Telling {
  readonly invoked: number
  readonly fromMs: number
}

export class Holdings {
  readonly #scene: Scene
  readonly #holder: Holder
  readonly #held = new Map<string, Holding>()
  /** When it sent the first heartbeat since one was answered. */
  #askedSinceMs = Infinity
  #owesSinceMs = Infinity

  constructor(scene: Scene, holder: Holder) {
    this.#scene = scene
    this.#holder = holder
  }

  get places(): string[] {
    return [...this.#held.keys()]
  }

  /** For how long it may have owed partitions, as far as it knows, or as an answer that did not come may have told it. */
  get owedMs(): number {
    return Math.max(0, this.#scene.world.time - Math.min(this.#owesSinceMs, this.#askedSinceMs))
  }

  /** `told`: a member may take its time before it takes what it was told to have, and others may be told meanwhile. */
  take(member: string, place: string, told: Telling, heardAtMs = told.fromMs): void {
    if (this.#held.has(place)) return
    const { world, history } = this.#scene
    const holding: Holding = {
      kind: 'holding',
      ...this.#holder,
      member,
      partition: place,
      ...told,
      completed: Infinity,
      toMs: Infinity,
      heardAtMs,
      owesSinceMs: this.#owesSinceMs,
    }
    this.#held.set(place, holding)
    history.push(holding)
    world.count('holding')
  }

  giveUp(place: string): void {
    const { world } = this.#scene
    const holding = this.#held.get(place)
    if (!holding) return
    holding.completed = world.tick()
    holding.toMs = world.time
    this.#held.delete(place)
  }

  giveUpAll(): void {
    for (const place of this.places) this.giveUp(place)
    this.#owesSinceMs = Infinity
  }

  /** A heartbeat is sent now. */
  asked(): void {
    this.#askedSinceMs = Math.min(this.#askedSinceMs, this.#scene.world.time)
  }

  /**
   * One that was sent at `askedAtMs` is answered: `told` what to have, if so. What `joins` again may have been given more in an
   * answer that was lost, which it owes without knowing of it.
   */
  answered(askedAtMs: number, { hasGivenUp, joins, told }: Answered): void {
    if (hasGivenUp) this.#owesSinceMs = Infinity
    const mayOweUnknown = joins && this.#askedSinceMs < askedAtMs
    if (mayOweUnknown || (told && this.places.some(place => !told.includes(place))))
      this.#owesSinceMs = Math.min(this.#owesSinceMs, this.#askedSinceMs)
    this.#askedSinceMs = Infinity
    for (const holding of this.#held.values()) {
      holding.heardAtMs = askedAtMs
      holding.owesSinceMs = this.#owesSinceMs
    }
  }
}
