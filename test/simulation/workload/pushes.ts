/** A push subscription: made, paused and resumed while its topic is written to, until everything was delivered or given up. */
import type { Topic } from '../../../lib/log/index.ts'
import type { PushPlan } from '../push-plan.ts'
import { decodeBatch } from './batch.ts'
import { Client, failureOf, type Scene } from './client.ts'
import { produceIdempotently } from './producers.ts'

const LOOK_MS = 2_000
const READ_BYTES = 100_000

export class PushWork {
  readonly #scene: Scene
  readonly #plan: PushPlan
  readonly #topic: Topic
  readonly #deadLetters: Topic

  constructor(scene: Scene, plan: PushPlan, topic: Topic, deadLetters: Topic) {
    this.#scene = scene
    this.#plan = plan
    this.#topic = topic
    this.#deadLetters = deadLetters
  }

  /** `healed`: nothing goes wrong any more. */
  async run(healed: Promise<void>): Promise<void> {
    const { producers, pauses } = this.#plan
    const client = new Client(this.#scene, `${this.#plan.name} keeper`)
    await this.#create(client)
    const produced = producers.map(plan => produceIdempotently(new Client(this.#scene, plan.name), plan, this.#topic))
    for (const { at, ms } of pauses.toSorted((a, b) => a.at - b.at)) {
      await this.#scene.world.sleep(Math.max(0, at - this.#scene.world.time))
      await this.#setState(client, 'paused')
      await this.#scene.world.sleep(ms)
      await this.#setState(client, 'active')
    }
    await Promise.all([healed, ...produced])
    while (!(await this.#isDone(client))) {
      client.reconnect()
      await this.#scene.world.sleep(LOOK_MS)
      // A request to pause it that nobody waits for any more may come as the last.
      await this.#setState(client, 'active')
    }
    await this.#readDeadLetters(client)
  }

  /** Begins again where an attempt was left half done. */
  async #create(client: Client): Promise<void> {
    const { name, recordsMax, windowMs, attemptsMax } = this.#plan
    const policy = {
      ...{ recordsMax, windowMs },
      ...(attemptsMax !== null && { attemptsMax, deadLetterTopic: this.#deadLetters.name }),
    }
    const target = { kind: 'function', name: 'receiver' } as const
    for (;;) {
      try {
        await client.call('subscribe', ({ push }) =>
          push!.subscriptions.create({ name, topic: this.#topic.name, target, policy, from: 'earliest' }),
        )
        return
      } catch (error) {
        const { code } = failureOf(error)
        if (code === 'SUBSCRIPTION_EXISTS' && (await this.#clearAway(client))) return
        client.reconnect()
        await client.pause(500)
      }
    }
  }

  /** Whether it is there as it should be. */
  async #clearAway(client: Client): Promise<boolean> {
    try {
      const { subscription } = await client.call('look', ({ push }) => push!.subscriptions.get(this.#plan.name))
      if (subscription.state === 'active') return true
      await client.call('unsubscribe', ({ push }) => push!.subscriptions.delete(this.#plan.name))
    } catch (error) {
      failureOf(error)
      client.reconnect()
    }
    return false
  }

  async #setState(client: Client, state: 'active' | 'paused'): Promise<void> {
    await client.insist(state, ({ push }) => push!.subscriptions.setState(this.#plan.name, state))
  }

  async #isDone(client: Client): Promise<boolean> {
    try {
      const progress = await client.call('progress', async ({ push }) => {
        const { subscription } = await push!.subscriptions.get(this.#plan.name)
        return push!.subscriptions.progress(subscription)
      })
      return progress.every(({ lag }) => lag === 0)
    } catch (error) {
      failureOf(error)
      return false
    }
  }

  async #readDeadLetters(client: Client): Promise<void> {
    const { world, history } = this.#scene
    for (let partition = 0; partition < this.#deadLetters.partitions; partition++) {
      const values: string[] = []
      const invoked = world.tick()
      for (let offset = 0; ; ) {
        const answer = await client.insist(`read dead letters at ${offset}`, ({ log }) =>
          log.read({
            ...{ topic: this.#deadLetters, partition, offset, maxBytes: READ_BYTES },
            ...{ atLeastOneBatch: true, isolation: 'read_committed' },
          }),
        )
        const batches = answer.batches.map(decodeBatch)
        values.push(...batches.flatMap(batch => batch.values.map(value => value.split('|')[0]!)))
        offset = (batches.at(-1)?.last ?? offset - 1) + 1
        if (batches.length === 0 && offset >= answer.endOffset) break
      }
      const { name, attemptsMax } = this.#plan
      const topic = this.#topic.id
      history.push({
        kind: 'dead-letters',
        ...{ subscription: name, topic, topicName: this.#topic.name, values, attemptsMax: attemptsMax ?? Infinity },
        ...{ invoked, completed: world.tick() },
      })
    }
  }
}
