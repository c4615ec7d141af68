/** A group of the consumer protocol from its first member to its last, and its rest: every partition has one member. */
import type { ConsumerGroupPlan } from '../consumer-group-plan.ts'
import { Client, type Scene } from './client.ts'
import { ConsumerMember, type ConsumerSurroundings } from './consumer-members.ts'
import { coordinatorSeenBy } from './coordinators.ts'
import { fetchOffsets } from './offsets.ts'

/** How often it is looked whether the group is at rest, in ms. */
const LOOK_MS = 500
/** So long it must be at rest to be trusted. */
const TRUST_MS = 15_000

type GroupReads = Pick<ConsumerSurroundings, 'topic' | 'standbyReplicas'>

export class ConsumerGroupWork {
  readonly #scene: Scene
  readonly #plan: ConsumerGroupPlan
  readonly #read: GroupReads
  readonly #members: ConsumerMember[] = []

  constructor(scene: Scene, plan: ConsumerGroupPlan, read: GroupReads) {
    this.#scene = scene
    this.#plan = plan
    this.#read = read
  }

  /** Until the group has found its rest after `healMs`, and everyone has left it. */
  async run(healMs: number): Promise<void> {
    const lives = this.#plan.members.map(plan => {
      const member = new ConsumerMember(this.#scene, this.#plan.name, plan, {
        ...this.#read,
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
    let epoch = 0
    while (world.time - since < TRUST_MS) {
      await world.sleep(LOOK_MS)
      const living = this.#members.filter(({ ended }) => !ended)
      if (living.length === 0) return
      const now = living[0]!.epoch
      if (now !== epoch || !this.#isAtRest(living)) since = world.time
      epoch = now
    }
  }

  #isAtRest(living: readonly ConsumerMember[]): boolean {
    const held = living.flatMap(member => member.partitions).sort((a, b) => a - b)
    const wanted = Math.max(...this.#members.map(({ partitionsSeen }) => partitionsSeen))
    const isComplete = held.length === wanted && held.every((partition, i) => partition === i)
    const isOneEpoch = living.every(({ epoch }) => epoch > 0 && epoch === living[0]!.epoch)
    return isComplete && isOneEpoch && this.#hasStandbys(living, held)
  }

  /** Each task has as many as it shall have, or one in each process but that which runs it. */
  #hasStandbys(living: readonly ConsumerMember[], tasks: readonly number[]): boolean {
    const processes = new Set(living.map(({ process }) => process))
    const wanted = Math.min(this.#read.standbyReplicas, processes.size - 1)
    return tasks.every(task => living.filter(({ standbys }) => standbys.includes(task)).length === wanted)
  }

  /** Through every gateway. */
  async #fetchAll(): Promise<void> {
    const { cluster } = this.#scene
    for (let gateway = 0; gateway < cluster.size; gateway++) {
      const client = new Client(this.#scene, `consumer auditor ${gateway}`, () => gateway)
      const topic = await client.insist('find the topic', ({ log }) => log.topics.find({ name: this.#read.topic }))
      const places = Array.from({ length: topic!.partitions }, (_, partition) => ({ topicId: topic!.id, partition }))
      await fetchOffsets(client, this.#plan.name, places)
      for (const member of this.#members) member.partitionsSeen = Math.max(member.partitionsSeen, topic!.partitions)
    }
  }
}
