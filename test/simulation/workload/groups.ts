/** A consumer group from its first member to its last: its life, its end, and what must hold when nothing goes wrong any more. */
import type { GroupPlan, MemberPlan } from '../group-plan.ts'
import { Client, failureOf, type Scene } from './client.ts'
import { coordinatorSeenBy } from './coordinators.ts'
import { Member } from './members.ts'
import { fetchOffsets, placesOf } from './offsets.ts'

/** How often it is looked whether a group is at rest, in ms. */
const LOOK_MS = 500

export class GroupWork {
  readonly #scene: Scene
  readonly #plan: GroupPlan
  readonly #members: Member[] = []
  readonly #lives: Promise<void>[] = []
  #calmCoordinator: number | undefined

  constructor(scene: Scene, plan: GroupPlan) {
    this.#scene = scene
    this.#plan = plan
  }

  /** Until the group has found its rest after `healMs`, and everyone has left it. */
  async run(healMs: number): Promise<void> {
    const { world, calmFromMs } = this.#scene
    for (const member of this.#plan.members) this.#enter(member)
    await world.sleep(healMs)
    await this.#rest()
    await this.#fetchAll()
    if (this.#plan.calmChange) {
      await world.sleep(Math.max(0, calmFromMs - world.time))
      await this.#changeCalmly()
    }
    for (const member of this.#members) member.retire()
    await Promise.all(this.#lives)
  }

  #enter(plan: MemberPlan): void {
    const member = new Member(this.#scene, this.#plan, plan, gateway => this.#coordinatorSeenBy(gateway))
    this.#members.push(member)
    this.#lives.push(member.live())
  }

  #coordinatorSeenBy(gateway: number): number {
    if (this.#calmCoordinator !== undefined) return this.#calmCoordinator % this.#scene.cluster.size
    return coordinatorSeenBy(this.#scene, this.#plan, gateway)
  }

  /** Every living member knows the same generation, and every partition has one owner, for long enough to trust it. */
  async #rest(): Promise<void> {
    const { world } = this.#scene
    const trustMs = Math.max(...this.#plan.members.map(({ sessionMs }) => sessionMs))
    let since = world.time
    let generation = -1
    while (world.time - since < trustMs) {
      await world.sleep(LOOK_MS)
      const now = this.#generationAtRest()
      if (now === 'nobody') return
      if (now !== generation || now < 0) since = world.time
      generation = now
    }
  }

  #generationAtRest(): number | 'nobody' {
    const living = this.#members.filter(({ ended }) => !ended)
    const first = living[0]
    if (!first) return 'nobody'
    const owned = living.flatMap(({ partitions }) => partitions).sort((a, b) => a - b)
    const complete =
      owned.join() ===
      placesOf(this.#plan)
        .map(({ partition }) => partition)
        .join()
    return complete && living.every(({ generation }) => generation === first.generation) ? first.generation : -1
  }

  /** While a member joins, its coordinator is replaced: it must be told. */
  async #changeCalmly(): Promise<void> {
    const { world } = this.#scene
    const { coordinators, members } = this.#plan
    const { end: _, instance: __, ...plan } = members[0]!
    this.#enter({ ...plan, name: 'newcomer', joinAt: 0, pauses: [] })
    await world.sleep((plan.sessionMs * (plan.rebalanceMs % 100)) / 300)
    this.#calmCoordinator = coordinators.at(-1)!.gateway + 1
    this.#members.find(({ ended }) => !ended)?.retire()
    await this.#rest()
    await this.#fetchAll()
  }

  /** False: the gateway had died before, and its connection broke only now. */
  async #fetch(client: Client): Promise<boolean> {
    try {
      await fetchOffsets(client, this.#plan.name, placesOf(this.#plan))
      return true
    } catch (error) {
      failureOf(error)
      client.reconnect()
      return false
    }
  }

  /** Through every gateway. */
  async #fetchAll(): Promise<void> {
    const { cluster } = this.#scene
    for (let gateway = 0; gateway < cluster.size; gateway++) {
      const client = new Client(this.#scene, `auditor ${gateway}`, () => gateway)
      await client.insist('wait for the gateway', async () => {})
      while (!(await this.#fetch(client))) await client.pause(LOOK_MS)
    }
  }
}
