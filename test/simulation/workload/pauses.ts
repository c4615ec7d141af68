/** A client that stands still now and then, wherever it is, and goes on as if nothing had happened. */
import type { World } from '../world/world.ts'

interface Pause {
  readonly at: number
  readonly ms: number
}

export class Pauses {
  readonly #world: World
  readonly #name: string
  readonly #counter: string | undefined
  #left: readonly Pause[]

  /** `counter`: counts them. */
  constructor(world: World, name: string, pauses: readonly Pause[], counter?: string) {
    this.#world = world
    this.#name = name
    this.#counter = counter
    this.#left = pauses.toSorted((a, b) => a.at - b.at)
  }

  /** A pause that is due is taken here. */
  async sleep(ms: number): Promise<void> {
    await this.#world.sleep(ms)
    const [due, ...left] = this.#left
    if (!due || this.#world.time < due.at) return
    this.#left = left
    this.#world.note(this.#name, `stands still for ${due.ms} ms`)
    if (this.#counter) this.#world.count(this.#counter)
    await this.#world.sleep(due.ms)
  }
}
