/**
 * Runs one plan: starts the system, lets everybody work while things go wrong, heals it, and demands that all get their
 * answers, that everything is still there, and that nothing is written once nobody asks.
 */
import type { Topic } from '../../lib/log/index.ts'
import { ArchiveWatch } from './archive-watch.ts'
import { checkHistory, type Operation, type Violation } from './checker/index.ts'
import { configsOf } from './compacted-plan.ts'
import { type Coverage, coverageOf } from './coverage.ts'
import { checkEndState } from './end-state.ts'
import { watchExpiry } from './expiry-watch.ts'
import { areClocksRight, type Disaster, type Plan } from './plan.ts'
import type { PushPlan } from './push-plan.ts'
import type { SystemUnderTest } from './system.ts'
import { noteCleaning } from './workload/cleaning.ts'
import { Client, reportError, type Scene } from './workload/client.ts'
import { ConsumerGroupWork } from './workload/consumer-groups.ts'
import { allowRetention, deleteSome } from './workload/deletions.ts'
import { forkTopics } from './workload/forks.ts'
import { GroupWork } from './workload/groups.ts'
import { ImportWork } from './workload/imports.ts'
import { IngestWork } from './workload/ingests.ts'
import { produceIdempotently, producePlainly } from './workload/producers.ts'
import { PushWork } from './workload/pushes.ts'
import { drainPartition, follow } from './workload/readers.ts'
import { settleTransactions } from './workload/settling.ts'
import { ShareGroupWork } from './workload/share-groups.ts'
import { ShareWork } from './workload/shares.ts'
import { changeTopics, lookUp } from './workload/topics.ts'
import { Transactor } from './workload/transactors.ts'
import { Cluster } from './world/cluster.ts'
import { Faults } from './world/faults.ts'
import { FileTruth } from './world/file-truth.ts'
import { ItemTruth } from './world/item-truth.ts'
import type { Connection } from './world/network.ts'
import { ObjectTruth } from './world/object-truth.ts'
import { Receiver } from './world/receiver.ts'
import { Rng } from './world/rng.ts'
import type { StoreObserver, Truth } from './world/stores.ts'
import type { Tracing } from './world/trace.ts'
import { StuckError, World } from './world/world.ts'

/** After the healing all work must be done within this, and then all reading: more than every timeout of clients and stores. */
const LIVENESS_MS = 20 * 60_000

/** All is done when nothing was written for so long: more than compaction's longest pause. */
const SETTLED_AFTER_MS = 5 * 60_000

/** It is waited for that long at most, after the latest request of the chaos: compaction may be slow, but comes to an end. */
const SETTLING_MS_MAX = 60 * 60_000

/** The latest that a request of the chaos can still reach a store after the healing. */
const LATEST_MS = 30 * 60_000

const HOUR_MS = 3_600_000

/** Shorter where jobs of upkeep look around every few seconds: they have looked often by then. */
const IDLE_MS = { without: HOUR_MS, with: 10 * 60_000 }

/** The last sweep's clock is so far ahead of all there were that every segment is older, and it looks back to the last of them. */
const LAST_SWEEP = { aheadMs: HOUR_MS, withinMs: 30 * 60_000, passesMax: 40 }

/** Records are kept in a storage class as soon as they are in an extent; by a wrong clock one may become old in the idle hour, and make work in it. */
const ALL_OLD = { 'varve.storage.class.after.ms': '0' }

/** More partitions than any topic here ever has. */
const PARTITIONS_MAX = 32

/** So long after the healing the last store call of before has come to its end, and whoever waited for it goes on. */
const CALM_AFTER_MS = 3 * 60_000

/** A receiver of a history without push. */
const TAKES_ALL = { refuseChance: 0, partChance: 0, lostAnswerChance: 0, badEvery: 0, delayMs: 1 }

export interface Outcome {
  readonly violations: readonly Violation[]
  /** Of what was traced; '' where nothing was. */
  readonly traceHash: string
  readonly lines: readonly string[]
  readonly history: readonly Operation[]
  /** Requests to the stores that something went wrong with, by name. */
  readonly struck: readonly string[]
  readonly counters: ReadonlyMap<string, number>
  readonly steps: number
  readonly virtualMs: number
}

export async function runPlan(
  plan: Plan,
  system: SystemUnderTest,
  { tracing = 'none' }: { readonly tracing?: Tracing } = {},
): Promise<Outcome> {
  const world = new World(tracing)
  const violations: Violation[] = []
  const onUnhandled = (error: unknown) => reportError(scene, error, 'a rejection that nobody handles')
  process.on('unhandledRejection', onUnhandled)
  const coverage = coverageOf(world, violations)
  const history: Operation[] = []
  const seeExpiry = watchExpiry(world, history, violations)
  const observer: StoreObserver = {
    ...coverage,
    wrote: (operations, outcome, by) => {
      coverage.wrote?.(operations, outcome, by)
      if (!outcome.written) return
      seeExpiry(operations)
      archives?.wrote(operations)
    },
  }
  const truth: Truth = { objects: new ObjectTruth(), items: new ItemTruth(), files: new FileTruth(), observer }
  const archives = watchArchives(plan, { world, truth, history, violations })
  const faults = new Faults(plan.faults, plan.seed)
  const receiver = new Receiver({
    world,
    history,
    seed: plan.seed,
    plan: plan.push?.receiver ?? TAKES_ALL,
    healMs: plan.healMs,
  })
  const cluster = new Cluster({
    receiver,
    world,
    system,
    tuning: plan.tuning,
    truth,
    faults,
    seed: plan.seed,
    skewsMs: plan.skewsMs,
    onError: (error, where) => reportError(scene, error, where),
  })
  const connections = new Set<Connection>()
  const calmFromMs = plan.healMs + CALM_AFTER_MS
  const scene: Scene = {
    ...{ world, cluster, seed: plan.seed, history, violations, connections, calmFromMs },
    compacted: plan.compacted,
    archived: archives !== undefined,
    clocksRight: areClocksRight(plan),
  }
  const scenario = new Scenario(scene, plan, coverage)
  await scenario.run()
  // A turn of the event loop, in which Node tells of rejections that nobody handled.
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', onUnhandled)
  await archives?.finish(scenario.keptUp)
  violations.push(...checkHistory(history), ...checkEndState(truth, { swept: plan.upkeep?.sweepAtEnd === true }))
  const { counters, trace, steps, time: virtualMs } = world
  const { hash: traceHash = '', lines = [] } = trace ?? {}
  return { violations, traceHash, lines, history, struck: faults.struck, counters, steps, virtualMs }
}

/** Undefined: there are none. */
function watchArchives(
  { tuning }: Plan,
  parts: Omit<ConstructorParameters<typeof ArchiveWatch>[0], 'snapshotsKept'>,
): ArchiveWatch | undefined {
  if (!tuning.archive || !tuning.upkeep) return undefined
  const watch = new ArchiveWatch({ ...parts, snapshotsKept: tuning.archive.limits.snapshotsKept })
  const { observer } = parts.truth
  const { published, unpublished } = observer
  Object.assign(observer, watch.observer, {
    published: (...args: Parameters<NonNullable<typeof published>>) => {
      published?.(...args)
      watch.observer.published(...args)
    },
    unpublished: (names: readonly string[]) => {
      unpublished?.(names)
      watch.observer.unpublished(names)
    },
  })
  return watch
}

class Scenario {
  readonly #scene: Scene
  readonly #plan: Plan
  readonly #coverage: Coverage
  readonly #rng: Rng
  /** What has not come to its end yet. */
  readonly #unfinished = new Set<string>()
  #topics: Topic[] = []
  #phase = 'making topics'
  #drains = 0
  /** Ids of the topics for which upkeep has found nothing more to do. */
  keptUp: readonly string[] = []

  constructor(scene: Scene, plan: Plan, coverage: Coverage) {
    this.#scene = scene
    this.#plan = plan
    this.#coverage = coverage
    this.#rng = new Rng(plan.seed, 'scenario')
  }

  async run(): Promise<void> {
    const { world, violations } = this.#scene
    try {
      await world.run(() => this.#work(), this.#plan.healMs + LIVENESS_MS)
      await world.run(() => this.#readAll(), world.time + LIVENESS_MS)
      // What expires is written.
      if (this.#plan.watchIdle && !this.#plan.tuning.expiry) {
        await world.run(() => this.#idle(), world.time + LATEST_MS + SETTLING_MS_MAX + 2 * HOUR_MS + LIVENESS_MS)
      }
      const { compacted, watchIdle, tuning, upkeep } = this.#plan
      if (compacted && !upkeep?.sweepAtEnd && (!watchIdle || tuning.expiry)) {
        const settling = async () => {
          await this.#settle()
          await this.#readAll({ settled: true })
        }
        await world.run(settling, world.time + LATEST_MS + SETTLING_MS_MAX + LIVENESS_MS)
      }
      if (this.#plan.upkeep?.sweepAtEnd) {
        await world.run(
          () => this.#sweepAll(),
          world.time + LATEST_MS + SETTLING_MS_MAX + 10 * LAST_SWEEP.withinMs + LIVENESS_MS,
        )
      }
    } catch (error) {
      if (!(error instanceof StuckError)) throw error
      const what = `${this.#phase}: ${error.message}; unfinished: ${[...this.#unfinished].join(', ')}`
      violations.push({ property: 'stuck', what })
    }
  }

  async #work(): Promise<void> {
    const { world, cluster } = this.#scene
    const { topics, producers, readers, topicSteps, transactors, groups, disasters, healMs } = this.#plan
    const { streamsStandbyReplicas: standbyReplicas = 0 } = this.#plan.tuning.groups
    const { shares = [], shareGroups = [], consumerGroups = [], ingests = [], imports = [], push } = this.#plan
    const maker = new Client(this.#scene, 'maker')
    const disaster = Promise.all(disasters.map(one => world.sleep(one.at).then(() => this.#strikeInTime(one))))
    const healed = world.sleep(healMs).then(() => {
      world.note('world', 'healed')
      cluster.thawAll()
    })
    this.#topics = await Promise.all(topics.map((partitions, i) => this.#makeTopic(maker, partitions, i)))
    this.#phase = 'working'
    let producing = true
    const produced = producers.map(one => {
      const client = new Client(this.#scene, one.name)
      const produce = one.idempotent ? produceIdempotently : producePlainly
      return this.#track(one.name, produce(client, one, this.#topics[one.topic]!))
    })
    const read = readers.map(one => {
      const client = new Client(this.#scene, one.name)
      return this.#track(
        one.name,
        follow(client, one, this.#topics[one.topic]!, () => !producing),
      )
    })
    const changed = topicSteps.map(step => this.#track(`${step.kind}@${step.at}`, this.#changeTopics(step)))
    const deleted = (this.#plan.upkeep?.deletions ?? []).map(async one => {
      await world.sleep(one.at)
      await this.#track(`deletion@${one.at}`, deleteSome(this.#scene, one, this.#topics[one.topic]!))
    })
    const grouped = groups.map(one => this.#track(one.name, new GroupWork(this.#scene, one).run(healMs)))
    const consumed = consumerGroups.map(one =>
      this.#track(one.name, new ConsumerGroupWork(this.#scene, one, { topic: 'topic-0', standbyReplicas }).run(healMs)),
    )
    const joined = shareGroups.map(one => this.#track(one.name, new ShareGroupWork(this.#scene, one).run(healMs)))
    const transacted = transactors.map(one => {
      const transactor = new Transactor(this.#scene, one, this.#topics[one.topic]!)
      return this.#track(one.name, transactor.live())
    })
    const shared = shares.map(one => {
      const work = new ShareWork(this.#scene, one, this.#topics[one.topic]!, healMs)
      return this.#track(
        one.name,
        work.run(() => producing),
      )
    })
    const forked = (this.#plan.forks ?? []).map(one =>
      this.#track(
        one.name,
        forkTopics(this.#scene, one, this.#topics).then(left => {
          this.#topics = [...this.#topics, ...left]
        }),
      ),
    )
    const imported = imports.map(one =>
      this.#track(
        one.name,
        new ImportWork(this.#scene, one).run().then(found => {
          this.#topics = [...this.#topics, ...found]
        }),
      ),
    )
    const ingested = ingests.map(async one => {
      const topic = await maker.createTopic(one.name, one.partitions)
      const work = new IngestWork(this.#scene, one, topic)
      await this.#track(one.name, work.run())
      return work
    })
    const pushing = push && this.#track(push.name, this.#push(maker, push, healed))
    await Promise.all([
      ...produced,
      ...changed,
      ...deleted,
      ...grouped,
      ...consumed,
      ...joined,
      ...transacted,
      ...forked,
      ...imported,
      ...ingested,
    ])
    await pushing
    producing = false
    await Promise.all([...read, ...shared])
    this.#phase = 'healing'
    await Promise.all([healed, disaster])
    for (const work of await Promise.all(ingested)) await this.#track('reading what was ingested', work.readAll())
    if (transactors.length > 0) await this.#track('settling', settleTransactions(this.#scene, this.#topics))
  }

  async #push(maker: Client, plan: PushPlan, healed: Promise<void>): Promise<void> {
    const topic = await maker.createTopic(plan.name, plan.partitions)
    const deadLetters = await maker.createTopic(`${plan.name}-dead`, 1)
    await new PushWork(this.#scene, plan, topic, deadLetters).run(healed)
    this.#topics = [...this.#topics, topic]
  }

  async #makeTopic(maker: Client, partitions: number, index: number): Promise<Topic> {
    const bytes = this.#plan.upkeep?.retentionBytes[index] ?? undefined
    const { compacted } = this.#plan
    const isCompacted = compacted?.topics.includes(index)
    const configs = {
      ...(bytes !== undefined && { 'retention.bytes': String(bytes) }),
      ...(isCompacted ? configsOf(compacted!) : this.#scene.clocksRight && ALL_OLD),
    }
    const topic = await maker.createTopic(`topic-${index}`, partitions, configs)
    noteCleaning(this.#scene, topic)
    if (bytes !== undefined && !(isCompacted && compacted!.policy === 'compact'))
      allowRetention(this.#scene, topic, PARTITIONS_MAX)
    return topic
  }

  async #changeTopics(step: Plan['topicSteps'][number]): Promise<void> {
    await this.#scene.world.sleep(step.at)
    const changed = await changeTopics(this.#scene, step, this.#topics)
    if (!changed) return
    const isKnown = this.#topics.some(({ id }) => id === changed.id)
    this.#topics = isKnown
      ? this.#topics.map(topic => (topic.id === changed.id ? changed : topic))
      : [...this.#topics, changed]
  }

  async #strikeInTime(disaster: Disaster): Promise<void> {
    const { afterRequestMs, onRequest = '', gateway } = disaster
    if (afterRequestMs === undefined) return this.#strike(disaster)
    const { world, cluster } = this.#scene
    cluster
      .gateway(gateway)
      .process.onNextRequest(onRequest, () => world.schedule(afterRequestMs, () => void this.#strike(disaster)))
  }

  async #strike({ kind, gateway, ms }: Disaster): Promise<void> {
    const { world, cluster, connections } = this.#scene
    const left = this.#plan.healMs - world.time
    if (left <= 0) return
    world.count(`disaster:${kind}`)
    if (kind === 'kill') cluster.kill(gateway, this.#rng)
    if (kind === 'stop') await cluster.stop(gateway, this.#rng)
    if (kind === 'freeze') await cluster.freeze(gateway, Math.min(ms, left))
    if (kind === 'jump') cluster.jumpClock(gateway, ms)
    if (kind === 'cut') for (const connection of connections) connection.close()
  }

  /** Reads every partition through one gateway, from the start to the end. */
  async #readAll({ settled = false } = {}): Promise<void> {
    this.#phase = 'reading all'
    const drain = ++this.#drains
    const client = new Client(this.#scene, `drain-${drain}`)
    for (const topic of this.#topics) {
      await lookUp(client, topic.name)
      for (let partition = 0; partition < topic.partitions; partition++) {
        await drainPartition(client, { topic, partition, isolation: 'read_uncommitted', drain, settled })
        await drainPartition(client, { topic, partition, isolation: 'read_committed', drain, settled })
      }
    }
  }

  /** Until the last late request has come, and what comes of it is done. */
  async #settle(): Promise<void> {
    const { world } = this.#scene
    await world.sleep(world.underwayUntil - world.time)
    const until = world.time + SETTLING_MS_MAX
    let written: number
    do {
      written = this.#coverage.effects
      await world.sleep(SETTLED_AFTER_MS)
    } while (this.#coverage.effects !== written && world.time < until)
  }

  /** When the last late request has come, nobody writes for a long while, and all is still there after it. */
  async #idle(): Promise<void> {
    const { world, violations } = this.#scene
    this.#phase = 'idle'
    // What was stored by a clock that was ahead is young for upkeep until a clock shows that time again.
    this.#scene.cluster.setClocksForward()
    await this.#settle()
    const before = this.#coverage.effects
    const idleMs = this.#plan.tuning.upkeep ? IDLE_MS.with : IDLE_MS.without
    await world.sleep(idleMs)
    const written = this.#coverage.effects - before
    if (written > 0) violations.push({ property: 'idle-writes', what: `${written} writes in ${idleMs} idle ms` })
    await this.#readAll({ settled: true })
  }

  /** When the last late request has come, one more process sweeps until there is nothing to sweep; and all is still there. */
  async #sweepAll(): Promise<void> {
    const { world, cluster, violations } = this.#scene
    this.#phase = 'last sweep'
    cluster.stopUpkeep()
    await this.#settle()
    const { aheadMs, withinMs, passesMax } = LAST_SWEEP
    const { lowMs, highMs } = cluster.clocks
    const skewMs = highMs + aheadMs
    const hours = Math.ceil((skewMs - lowMs + world.time) / HOUR_MS) + 1
    const upkeep = {
      graceMs: 0,
      windowHours: hours,
      wholeLookHours: 0,
      firstLookHours: hours,
      leaseMs: 1_000,
      importKeptMs: 0,
      background: false,
    }
    const { compaction: _, ...tuning } = this.#plan.tuning
    const service = await cluster.startExtra('sweeper', skewMs, { ...tuning, upkeep })
    for (let pass = 1; ; pass++) {
      const { complete, findings, failed } = await service.upkeep!.runOnce({ withinMs })
      if (complete && findings === 0) break
      if (pass < passesMax) {
        await world.sleep(2_000)
        continue
      }
      violations.push({
        property: 'stuck',
        what: `upkeep comes to no end: ${findings} findings, ${JSON.stringify(failed)}`,
      })
      break
    }
    await service.close()
    await this.#readAll({ settled: true })
    this.keptUp = this.#topics.map(({ id }) => id)
  }

  async #track(name: string, work: Promise<void>): Promise<void> {
    this.#unfinished.add(name)
    await work
    this.#unfinished.delete(name)
  }
}
