/** A group of the consumer protocol from its first member to its last, and its rest: every partition has one member. */
import type { ConsumerGroupPlan } from '../consumer-group-plan.ts'
import { Client, type Scene } from './client.ts'
import { ConsumerMember } from './consumer-members.ts'
import { coordinatorSeenBy } from './coordinators.ts'
import { fetchOffsets } from './offsets.ts'

/** How often it is looked whether the group is at rest, in ms. */
const LOOK_MS = 500
/** So long it must be at rest to be trusted. */
const TRUST_MS = 30_000

export class ConsumerGroupWork {
  readonly #scene: Scene
  readonly #plan: ConsumerGroupPlan
  readonly #topic: string
  readonly #members: ConsumerMember[] = []

  constructor(scene: Scene, plan: ConsumerGroupPlan, topic: string) {
    this.#scene = scene
    this.#plan = plan
    this.#topic = topic
  }

  /** Until the group has found its rest after `healMs`, and everyone has left it. */
  async run(healMs: number): Promise<void> {
    const lives = this.#plan.members.map(plan => {
      const member = new ConsumerMember(this.#scene, this.#plan.name, plan, {
        topic: this.#topic,
        coordinatorSeenBy: gateway => coordinatorSeenBy(this.#scene, this.#plan, gateway),
      })
      this.#members.push(member)
      return member.live()
    })
    await this.#scene.world.sleep(healMs)
    await this.#rest()
    await this.#fetchAll()
    for (const member of this.#members) member.retire()
    await Promise.all(lives)
  }

  async #rest(): Promise<void> {
    const { world } = this.#scene
    let since = world.time
    while (world.time - since < TRUST_MS) {
      await world.sleep(LOOK_MS)
      if (this.#members.every(({ ended }) => ended)) return
      if (!(await this.#isAtRest())) since = world.time
    }
  }

  async #isAtRest(): Promise<boolean> {
    const living = this.#members.filter(({ ended }) => !ended)
    const held = living.flatMap(member => member.partitions).sort((a, b) => a - b)
    const wanted = Math.max(...this.#members.map(({ partitionsSeen }) => partitionsSeen))
    const isComplete = held.length === wanted && held.every((partition, i) => partition === i)
    return isComplete && living.every(({ epoch }) => epoch > 0 && epoch === living[0]!.epoch)
  }

  /** Through every gateway. */
  async #fetchAll(): Promise<void> {
    const { cluster } = this.#scene
    for (let gateway = 0; gateway < cluster.size; gateway++) {
      const client = new Client(this.#scene, `consumer auditor ${gateway}`, () => gateway)
      const topic = await client.insist('find the topic', ({ log }) => log.topics.find({ name: this.#topic }))
      const places = Array.from({ length: topic!.partitions }, (_, partition) => ({ topicId: topic!.id, partition }))
      await fetchOffsets(client, this.#plan.name, places)
      for (const member of this.#members) member.partitionsSeen = Math.max(member.partitionsSeen, topic!.partitions)
    }
  }
}
