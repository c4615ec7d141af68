/** Who is in a share group, from its first member to its last; and its rest: all agree, and every partition has a member. */
import type { Topic } from '../../../lib/log/index.ts'
import { ShareError } from '../../../lib/share/index.ts'
import type { ShareGroupPlan } from '../share-group-plan.ts'
import type { Service } from '../system.ts'
import type { Work } from '../world/network.ts'
import { Client, failureOf, type Scene } from './client.ts'
import { coordinatorSeenBy } from './coordinators.ts'
import { ShareGroupMember } from './share-group-members.ts'

/** How often it is looked whether the group is at rest, in ms. */
const LOOK_MS = 1_500
/** So long it must be at rest to be trusted. */
const TRUST_MS = 15_000

export class ShareGroupWork {
  readonly #scene: Scene
  readonly #plan: ShareGroupPlan
  readonly #members: ShareGroupMember[] = []

  constructor(scene: Scene, plan: ShareGroupPlan) {
    this.#scene = scene
    this.#plan = plan
  }

  /** Until the group has found its rest after `healMs`, and everyone has left it. */
  async run(healMs: number): Promise<void> {
    const { name, members } = this.#plan
    const lives = members.map(plan => {
      const member = new ShareGroupMember(this.#scene, plan, {
        group: name,
        coordinatorSeenBy: gateway => coordinatorSeenBy(this.#scene, this.#plan, gateway),
      })
      this.#members.push(member)
      return member.live()
    })
    await this.#scene.world.sleep(healMs)
    const wasAtRest = await this.#rest()
    for (const member of this.#members) member.retire()
    await Promise.all(lives)
    // Where nobody lived, nobody has asked for the group, and a dead member may be in it.
    if (wasAtRest) await this.#beEmpty()
  }

  /** False: nobody is left. */
  async #rest(): Promise<boolean> {
    const { world } = this.#scene
    let since = world.time
    while (world.time - since < TRUST_MS) {
      await world.sleep(LOOK_MS)
      if (this.#members.every(({ ended }) => ended)) return false
      if (!(await this.#isAtRest())) since = world.time
    }
    return true
  }

  async #isAtRest(): Promise<boolean> {
    const living = this.#members.filter(({ ended }) => !ended)
    const topics = await this.#topics(living)
    if (!topics || !(await this.#isDescribed(living))) return false
    const [first] = living
    return (
      living.every(({ epoch }) => epoch > 0 && epoch === first!.epoch) && topics.every(topic => isShared(topic, living))
    )
  }

  async #topics(living: readonly ShareGroupMember[]): Promise<Topic[] | undefined> {
    const names = new Set(living.flatMap(({ topicNames }) => topicNames))
    const client = new Client(this.#scene, 'share auditor')
    const found: Topic[] = []
    for (const name of names) {
      const topic = await this.#ask(client, `find ${name}`, ({ log }) => log.topics.find({ name }))
      if (!topic) return undefined
      found.push(topic)
    }
    return found
  }

  /** By every gateway, and alike. */
  async #isDescribed(living: readonly ShareGroupMember[]): Promise<boolean> {
    const ids = living.map(({ plan }) => plan.name).sort()
    for (let gateway = 0; gateway < this.#scene.cluster.size; gateway++) {
      const client = new Client(this.#scene, `share auditor ${gateway}`, () => gateway)
      const listed = await this.#ask(client, 'describe', ({ shares }) => membersOf(shares, this.#plan.name))
      if (listed?.join() !== ids.join()) return false
    }
    return true
  }

  /** Undefined: not answered, or refused. */
  async #ask<T>(client: Client, name: string, work: Work<T>): Promise<T | undefined> {
    try {
      return await client.call(name, work)
    } catch (error) {
      failureOf(error)
      return undefined
    }
  }

  async #beEmpty(): Promise<void> {
    while (!(await this.#isDescribed([]))) await this.#scene.world.sleep(LOOK_MS)
  }
}

/** Sorted; nobody is in a group that is not there: it expires where it is empty. */
async function membersOf(shares: Service['shares'], group: string): Promise<string[]> {
  try {
    return (await shares.describe(group)).members.map(({ memberId }) => memberId).sort()
  } catch (error) {
    if (error instanceof ShareError && error.code === 'GROUP_ID_NOT_FOUND') return []
    throw error
  }
}

/** Every partition has a member that wants it, every member that wants it a partition, and nobody has what is not there. */
function isShared(topic: Topic, living: readonly ShareGroupMember[]): boolean {
  const wanting = living.filter(({ topicNames }) => topicNames.includes(topic.name))
  const given = wanting.flatMap(({ assignment }) => assignment.get(topic.id) ?? [])
  const all = Array.from({ length: topic.partitions }, (_, partition) => partition)
  const strangers = living.filter(member => !wanting.includes(member) && member.assignment.has(topic.id))
  return all.every(one => given.includes(one)) && given.every(one => all.includes(one)) && strangers.length === 0
}
