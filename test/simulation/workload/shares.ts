/**
 * A share group at work: members that open share sessions, acquire records, do something with them or forget them, and go.
 * Each writes down what it was given and what it was told; after the healing all that is left is accepted.
 */
import type { Topic } from '../../../lib/log/index.ts'
import type { Delivery, Settlement } from '../checker/index.ts'
import type { ShareMemberPlan, SharePlan } from '../share-plan.ts'
import type { Service } from '../system.ts'
import type { Connection } from '../world/network.ts'
import { Rng } from '../world/rng.ts'
import { Client, failureOf, type Scene } from './client.ts'

/** Of acknowledgements that go to any gateway, not to that of the session: each takes them. */
const ELSEWHERE_CHANCE = 0.2

/** Of deliveries after which the member opens another session by the same connection, as one does that has lost count. */
const REOPEN_CHANCE = 0.05

/** Some small batches: more would be read and not given where few may be in flight. */
const ACQUIRED_BYTES_MAX = 1_000

/** How often it is looked whether all is done, in ms. */
const LOOK_MS = 1_000

/** After the healing members take as much as they may: one at a time shows nothing new, and takes long. */
const HEALED = { recordsMax: 100, pauseMs: 2 * LOOK_MS }

export class ShareWork {
  readonly #scene: Scene
  readonly #plan: SharePlan
  readonly #topic: Topic
  readonly #healMs: number

  constructor(scene: Scene, plan: SharePlan, topic: Topic, healMs: number) {
    this.#scene = scene
    this.#plan = plan
    this.#topic = topic
    this.#healMs = healMs
  }

  /** Until nothing is written any more, nothing goes wrong any more, and every record is done. */
  async run(isProducing: () => boolean): Promise<void> {
    const { world } = this.#scene
    const members = this.#plan.members.map(plan => this.#member(plan))
    const lives = members.map(member => member.live())
    const auditor = new Client(this.#scene, `${this.#plan.name} auditor`)
    do await world.sleep(LOOK_MS)
    while (isProducing() || world.time < this.#healMs || !(await this.#isDone(auditor)))
    for (const member of members) member.retire()
    await Promise.all(lives)
  }

  #member(plan: ShareMemberPlan): ShareMember {
    return new ShareMember(this.#scene, { plan, group: this.#plan, topic: this.#topic, healMs: this.#healMs })
  }

  async #isDone(auditor: Client): Promise<boolean> {
    const { name } = this.#plan
    const topic = this.#topic
    try {
      const ends = await auditor.call('ends', ({ log }) =>
        Promise.all(
          partitionsOf(topic).map(partition =>
            log.findOffset(topic, partition, { at: 'latest', isolation: 'read_uncommitted' }),
          ),
        ),
      )
      const positions = await auditor.call('positions', ({ shares }) => shares.positions(name))
      const isDone = ends.every(({ offset }, partition) => {
        const position = positions.find(one => one.partition === partition)
        return position !== undefined && position.start + position.done === offset
      })
      if (isDone) this.#noteEnds(ends.map(({ offset }) => offset))
      return isDone
    } catch (error) {
      failureOf(error)
      auditor.reconnect()
      return false
    }
  }

  #noteEnds(ends: readonly number[]): void {
    const { world, history } = this.#scene
    for (const [partition, end] of ends.entries()) {
      const invoked = world.tick()
      history.push({
        kind: 'all-done',
        group: this.#plan.name,
        partition: `${this.#topic.id}/${partition}`,
        end,
        invoked,
        completed: invoked,
      })
    }
  }
}

interface Surroundings {
  readonly plan: ShareMemberPlan
  readonly group: SharePlan
  readonly topic: Topic
  readonly healMs: number
}

class ShareMember {
  readonly #client: Client
  readonly #elsewhere: Client
  readonly #surroundings: Surroundings
  readonly #consumer: { readonly groupId: string; readonly memberId: string }
  /** What it holds, as far as it knows. */
  #held: Delivery[] = []
  #session: Connection | undefined
  /** As it was told. */
  #number = 0
  /** Of its next request in the session. */
  #epoch = 0
  readonly #reopening: Rng
  readonly #given: Delivery[] = []
  #isRetired = false
  #pauses: { readonly at: number; readonly ms: number }[]

  constructor(scene: Scene, surroundings: Surroundings) {
    const { plan, group } = surroundings
    this.#surroundings = surroundings
    this.#client = new Client(scene, `${group.name}/${plan.name}`, () => this.#chooseGateway())
    this.#elsewhere = new Client(scene, `${group.name}/${plan.name}*`)
    this.#consumer = { groupId: group.name, memberId: plan.name }
    this.#reopening = new Rng(scene.seed, 'reopening', this.#client.name)
    this.#pauses = plan.pauses.toSorted((a, b) => a.at - b.at)
  }

  retire(): void {
    this.#isRetired = true
  }

  async live(): Promise<void> {
    const { plan, topic } = this.#surroundings
    const { world } = this.#client.scene
    await world.sleep(Math.max(0, plan.joinAt - world.time))
    while (!this.#isOver) {
      try {
        for (const partition of partitionsOf(topic)) {
          await this.#open()
          let goesOn = true
          while (goesOn && !this.#isOver && this.#isInSession) goesOn = await this.#work(partition)
        }
      } catch (error) {
        const { code } = failureOf(error)
        this.#client.scene.world.count(`share ${code}`)
        this.#session = undefined
        // Its connection may be gone, and what it held with it.
        this.#letGo()
        if (this.#client.rng.chance(0.7)) this.#client.reconnect()
        this.#elsewhere.reconnect()
        await this.#client.pause(500)
      }
    }
    if (!this.#isRetired && plan.end?.kind === 'leave') await this.#leave()
    // Whatever becomes of its connection now, nobody writes it down.
    else this.#letGo()
  }

  get #isOver(): boolean {
    const { end } = this.#surroundings.plan
    return this.#isRetired || (end !== undefined && this.#client.scene.world.time >= end.at)
  }

  /** What comes by another connection than the session's may go with the session. */
  get #isInSession(): boolean {
    return this.#session === this.#client.connection
  }

  #chooseGateway(): number {
    const { rng, scene } = this.#client
    const { time } = scene.world
    const { preferences, disagreements } = this.#surroundings.group
    if (disagreements.some(({ from, to }) => time >= from && time < to)) return rng.below(scene.cluster.size)
    return preferences.findLast(({ at }) => at <= time)!.gateway % scene.cluster.size
  }

  /** A session on the connection that there is; a new one lets go of what came by another. */
  async #open(): Promise<void> {
    if (this.#isInSession) return
    this.#letGo()
    await this.#openAnother()
  }

  /** What it holds by this connection it keeps. */
  async #openAnother(): Promise<void> {
    const { connection } = this.#client
    const { topic } = this.#surroundings
    const partitions = partitionsOf(topic)
    const places = partitions.map(partition => ({ topicId: topic.id, partition }))
    this.#number = await this.#client.call('open a share session', async ({ shares: { records } }, signal) => {
      const session = records.openSession(this.#consumer, places, signal)
      await records.begin(
        this.#consumer,
        partitions.map(partition => ({ topic, partition })),
      )
      return session.number
    })
    this.#session = connection
    this.#epoch = 1
  }

  /** From the last moment at which it surely held them, others may have them. */
  #letGo(): void {
    for (const delivery of this.#held) delivery.heldUntilMs = Math.min(delivery.heldUntilMs, delivery.completedAtMs)
  }

  /**
   * True: there may be more, and it is after the healing. Where one record may be in flight, all would take too long if the other
   * partitions were looked at between.
   */
  async #work(partition: number): Promise<boolean> {
    const { plan, healMs } = this.#surroundings
    const { world } = this.#client.scene
    const delivery = await this.#acquire(partition)
    if (this.#pauses[0] && this.#pauses[0].at <= world.time) {
      const { ms } = this.#pauses.shift()!
      await world.sleep(ms)
    } else if (world.time < healMs) await this.#client.pause(plan.thinkMs)
    // After the healing nobody is slower than the locks are.
    else if (!delivery) await this.#client.pause(HEALED.pauseMs)
    if (!this.#isInSession) this.#letGo()
    else if (delivery && this.#reopening.chance(REOPEN_CHANCE)) await this.#openAnother()
    const surelyUntilMs = delivery?.heldUntilMs ?? 0
    const isHealed = world.time >= healMs
    for (const { first, last } of delivery?.spans ?? []) {
      const type = isHealed ? 'accept' : this.#chooseType()
      if (type === 'forget') continue
      const renewedAtMs = world.time
      const isDone = await this.#settle(delivery!, { first, last, surelyUntilMs }, type)
      if (type !== 'renew' || !isDone) continue
      // Often past the end of the lock that was renewed, and before the end of the new one.
      const { lockMs } = delivery!
      await world.sleep(this.#client.rng.fraction() * 0.9 * lockMs)
      if (!this.#isInSession) this.#letGo()
      await this.#settle(delivery!, { first, last, surelyUntilMs: renewedAtMs + lockMs }, 'accept')
    }
    this.#held = this.#held.filter(one => one.heldUntilMs > world.time)
    return isHealed && delivery !== undefined
  }

  #chooseType(): 'accept' | 'release' | 'reject' | 'renew' | 'forget' {
    const { release, reject, renew, forget } = this.#surroundings.plan.chances
    const { rng } = this.#client
    if (rng.chance(release)) return 'release'
    if (rng.chance(reject)) return 'reject'
    if (rng.chance(renew)) return 'renew'
    return rng.chance(forget) ? 'forget' : 'accept'
  }

  /** Undefined: there was nothing. */
  async #acquire(partition: number): Promise<Delivery | undefined> {
    const { plan, group, topic, healMs } = this.#surroundings
    const { world, history } = this.#client.scene
    const delivery: Delivery = {
      kind: 'delivery',
      group: group.name,
      member: plan.name,
      partition: `${topic.id}/${partition}`,
      spans: [],
      lockMs: 0,
      deliveriesMax: 0,
      invokedAtMs: world.time,
      completedAtMs: Infinity,
      heldUntilMs: Infinity,
      isUnseen: false,
      invoked: world.tick(),
      completed: Infinity,
      outcome: 'unknown',
    }
    history.push(delivery)
    const recordsMax = world.time < healMs ? plan.recordsMax : HEALED.recordsMax
    const epoch = this.#epoch++
    const acquire = async ({ shares: { records, configs } }: Service, signal: AbortSignal) => {
      const session = records.sessions.next(this.#consumer, epoch)
      const { share } = await configs.ofGroup(group.name)
      const { spans } = await records.acquire({
        ...this.#consumer,
        session: session.number,
        ...{ topic, partition, recordsMax, bytesMax: ACQUIRED_BYTES_MAX, strict: plan.strict },
        signal: AbortSignal.any([session.signal, signal]),
      })
      return { spans, lockMs: share.recordLockDurationMs, deliveriesMax: share.deliveryCountLimit }
    }
    try {
      const { spans, lockMs, deliveriesMax } = await this.#client.call(`acquire from ${partition}`, acquire)
      delivery.spans = spans
      delivery.lockMs = lockMs
      delivery.deliveriesMax = deliveriesMax
      delivery.outcome = 'given'
      delivery.completedAtMs = world.time
      delivery.heldUntilMs = delivery.invokedAtMs + lockMs
      world.note(this.#client.name, () => {
        const told = spans.map(({ first, last, deliveries }) => `${first}-${last} (${deliveries})`)
        return `was given ${told.join(', ') || 'nothing'}`
      })
      if (spans.length === 0) return undefined
      world.count('delivered')
      this.#held.push(delivery)
      this.#given.push(delivery)
      return delivery
    } catch (error) {
      delivery.outcome = failureOf(error).kind
      throw error
    } finally {
      delivery.completed = world.tick()
    }
  }

  /** False: it was refused. */
  async #settle(
    delivery: Delivery,
    { surelyUntilMs, ...span }: { readonly first: number; readonly last: number; readonly surelyUntilMs: number },
    type: Settlement['type'],
  ): Promise<boolean> {
    const { group, topic } = this.#surroundings
    const { world, history } = this.#client.scene
    const partition = Number(delivery.partition.split('/')[1])
    const settlement: Settlement = {
      kind: 'settlement',
      group: group.name,
      member: this.#consumer.memberId,
      partition: delivery.partition,
      ...span,
      type,
      invoked: world.tick(),
      completed: Infinity,
      outcome: 'unknown',
    }
    history.push(settlement)
    // What it has asked to be taken from it, others may have.
    if (type !== 'renew') delivery.heldUntilMs = Math.min(delivery.heldUntilMs, world.time)
    const number = this.#number
    const isElsewhere = type !== 'renew' && this.#client.rng.chance(ELSEWHERE_CHANCE)
    // Another process's session does not give a record back.
    const isStranger = isElsewhere && type === 'release'
    const epoch = isElsewhere ? undefined : this.#epoch++
    try {
      const client = isElsewhere ? this.#elsewhere : this.#client
      await client.call(`${type} ${span.first}-${span.last}`, async ({ shares: { records } }) =>
        records.acknowledge({
          ...this.#consumer,
          session: epoch === undefined ? number : records.sessions.next(this.#consumer, epoch).number,
          topic,
          partition,
          batches: [{ ...span, types: [type] }],
        }),
      )
      settlement.outcome = 'done'
      world.count(`share ${type}`)
      return true
    } catch (error) {
      const { kind, code } = failureOf(error)
      settlement.outcome = kind
      world.count(`share ${type} ${code}`)
      if (code !== 'INVALID_RECORD_STATE' && code !== 'INVALID_REQUEST') throw error
      if (world.time < surelyUntilMs && this.#isInSession && !isStranger) {
        const what = `${this.#client.name} held ${span.first}-${span.last} until ${surelyUntilMs}, and was refused (${code})`
        this.#client.scene.violations.push({ property: 'false-refusal', what })
      }
      return false
    } finally {
      settlement.completed = world.tick()
    }
  }

  /** What it holds then counts as not seen. */
  async #leave(): Promise<void> {
    for (const delivery of this.#given) {
      delivery.isUnseen = true
      delivery.heldUntilMs = Math.min(delivery.heldUntilMs, this.#client.scene.world.time)
    }
    try {
      await this.#client.call('close the share session', async ({ shares: { records } }) => {
        await records.endSession(records.sessions.find(this.#consumer), { unseen: true })
      })
    } catch (error) {
      failureOf(error)
    }
  }
}

function partitionsOf({ partitions }: Topic): number[] {
  return Array.from({ length: partitions }, (_, partition) => partition)
}
