/**
 * Makes a plan that breaks a property smaller, as long as it breaks the same one: fewer disasters, actors, batches, kinds of
 * faults, and then single faults.
 */
import type { Property } from './checker/index.ts'
import type { ConsumerGroupPlan } from './consumer-group-plan.ts'
import type { ForkPlan } from './fork-plan.ts'
import type { GroupPlan, MemberPlan } from './group-plan.ts'
import { type Outcome, runPlan } from './history.ts'
import type { IngestPlan } from './ingest-plan.ts'
import type { Plan, ProducerPlan } from './plan.ts'
import type { PushPlan } from './push-plan.ts'
import type { ShareGroupPlan } from './share-group-plan.ts'
import type { SharePlan } from './share-plan.ts'
import type { SystemUnderTest } from './system.ts'
import type { TransactorPlan } from './transaction-plan.ts'
import type { StoreFault } from './world/faults.ts'

const RUNS_MAX = 1_500

export interface Shrunk {
  readonly plan: Plan
  readonly outcome: Outcome
  readonly runs: number
}

export async function shrinkPlan(plan: Plan, property: Property, system: SystemUnderTest): Promise<Shrunk> {
  const shrinker = new Shrinker(plan, property, system)
  await shrinker.shrink()
  const outcome = await runPlan(shrinker.plan, system, { tracing: 'lines' })
  return { plan: shrinker.plan, outcome, runs: shrinker.runs }
}

class Shrinker {
  plan: Plan
  runs = 0
  readonly #property: Property
  readonly #system: SystemUnderTest

  constructor(plan: Plan, property: Property, system: SystemUnderTest) {
    this.plan = plan
    this.#property = property
    this.#system = system
  }

  async shrink(): Promise<void> {
    for (;;) {
      const before = this.plan
      while (await this.#takeFirst(smallerPlans(this.plan))) {}
      await this.#dropFaults()
      if (this.plan === before || this.runs >= RUNS_MAX) return
    }
  }

  async #takeFirst(candidates: Iterable<Plan>): Promise<boolean> {
    for (const candidate of candidates) {
      if (this.runs >= RUNS_MAX) return false
      if (!(await this.#breaks(candidate))) continue
      this.plan = candidate
      return true
    }
    return false
  }

  /** Leaves out half of the faults that struck, a quarter, …, single ones. */
  async #dropFaults(): Promise<void> {
    let { struck } = await runPlan(this.plan, this.#system)
    for (let size = Math.ceil(struck.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < struck.length && this.runs < RUNS_MAX; ) {
        const without = [...this.plan.faults.without, ...struck.slice(from, from + size)]
        const candidate = { ...this.plan, faults: { ...this.plan.faults, without } }
        if (await this.#breaks(candidate)) {
          this.plan = candidate
          struck = (await runPlan(this.plan, this.#system)).struck
        } else from += size
      }
    }
  }

  async #breaks(plan: Plan): Promise<boolean> {
    this.runs++
    const { violations } = await runPlan(plan, this.#system)
    return violations.some(({ property }) => property === this.#property)
  }
}

function* smallerPlans(plan: Plan): Iterable<Plan> {
  const { disasters, topicSteps, readers, producers, faults, skewsMs, topics } = plan
  for (const disasters of without(plan.disasters)) yield { ...plan, disasters }
  for (const topicSteps of without(plan.topicSteps)) yield { ...plan, topicSteps }
  for (const readers of without(plan.readers)) yield { ...plan, readers }
  for (const producers of without(plan.producers)) yield { ...plan, producers }
  for (const transactors of without(plan.transactors)) yield { ...plan, transactors }
  for (const [i, transactor] of plan.transactors.entries())
    for (const smaller of smallerTransactors(transactor))
      yield { ...plan, transactors: plan.transactors.with(i, smaller) }
  for (const ingests of smallerIngests(plan.ingests ?? [])) yield { ...plan, ingests }
  if (plan.push) for (const push of smallerPushes(plan.push)) yield { ...plan, push }
  for (const groups of without(plan.groups)) yield { ...plan, groups }
  for (const shares of smallerShares(plan.shares ?? [])) yield { ...plan, shares }
  for (const [i, group] of plan.groups.entries())
    for (const smaller of smallerGroups(group)) yield { ...plan, groups: plan.groups.with(i, smaller) }
  const { consumerGroups = [] } = plan
  for (const [i, group] of consumerGroups.entries())
    for (const smaller of smallerConsumerGroups(group))
      yield { ...plan, consumerGroups: consumerGroups.with(i, smaller) }
  const { shareGroups = [] } = plan
  for (const [i, group] of shareGroups.entries())
    for (const smaller of smallerShareGroups(group)) yield { ...plan, shareGroups: shareGroups.with(i, smaller) }
  const { upkeep } = plan
  if (upkeep) {
    for (const deletions of without(upkeep.deletions)) yield { ...plan, upkeep: { ...upkeep, deletions } }
    if (upkeep.retentionBytes.some(bytes => bytes !== null))
      yield { ...plan, upkeep: { ...upkeep, retentionBytes: upkeep.retentionBytes.map(() => null) } }
    if (upkeep.sweepAtEnd) yield { ...plan, upkeep: { ...upkeep, sweepAtEnd: false } }
  }
  for (const forks of smallerForks(plan.forks ?? [])) yield { ...plan, forks }
  const { archive: _, ...notArchived } = plan.tuning
  if (plan.tuning.archive) yield { ...plan, tuning: notArchived }
  if (faults.storms.length > 0) yield { ...plan, faults: { ...faults, storms: [] } }
  for (const kind of Object.keys(faults.rates) as StoreFault[]) {
    const { [kind]: _, ...rates } = faults.rates
    yield { ...plan, faults: { ...faults, rates } }
  }
  if (faults.latency !== 'calm') yield { ...plan, faults: { ...faults, latency: 'calm' } }
  if (skewsMs.length > 1) yield { ...plan, skewsMs: skewsMs.slice(0, -1) }
  if (skewsMs.some(ms => ms !== 0)) yield { ...plan, skewsMs: skewsMs.map(() => 0) }
  const used = Math.max(
    0,
    ...[...producers, ...readers, ...plan.transactors, ...(plan.shares ?? [])].map(({ topic }) => topic),
    ...shareGroups.flatMap(({ members }) => members.flatMap(m => m.subscriptions.flatMap(({ topics: some }) => some))),
    ...(plan.forks ?? []).flatMap(({ source }) => (typeof source === 'number' ? [source] : [])),
  )
  if (topics.length > used + 1 && topicSteps.length === 0) yield { ...plan, topics: topics.slice(0, used + 1) }
  for (const [i, producer] of producers.entries())
    for (const smaller of smallerProducers(producer)) yield { ...plan, producers: producers.with(i, smaller) }
  if (plan.watchIdle) yield { ...plan, watchIdle: false }
  for (const [i, disaster] of disasters.entries())
    if (disaster.ms > 1_000) yield { ...plan, disasters: disasters.with(i, { ...disaster, ms: disaster.ms / 2 }) }
}

function* smallerForks(plans: readonly ForkPlan[]): Iterable<readonly ForkPlan[]> {
  yield* without(plans)
  for (const [i, plan] of plans.entries()) {
    const having = (smaller: Partial<ForkPlan>) => plans.with(i, { ...plan, ...smaller })
    for (const forks of without(plan.forks)) if (forks.length > 0) yield having({ forks })
    const { source } = plan
    if (typeof source !== 'number' && source.batches > 0)
      yield having({ source: { ...source, batches: source.batches - 1 } })
    for (const [at, fork] of plan.forks.entries()) {
      if (fork.batches > 0) yield having({ forks: plan.forks.with(at, { ...fork, batches: 0 }) })
      if (fork.deletes) yield having({ forks: plan.forks.with(at, { ...fork, deletes: false }) })
    }
  }
}

function* smallerShares(shares: readonly SharePlan[]): Iterable<readonly SharePlan[]> {
  yield* without(shares)
  for (const [i, share] of shares.entries()) {
    const having = (smaller: Partial<SharePlan>) => shares.with(i, { ...share, ...smaller })
    for (const members of without(share.members)) if (members.length > 0) yield having({ members })
    for (const disagreements of without(share.disagreements)) yield having({ disagreements })
    if (share.preferences.length > 1) yield having({ preferences: share.preferences.slice(0, -1) })
    for (const [place, member] of share.members.entries()) {
      for (const pauses of without(member.pauses))
        yield having({ members: share.members.with(place, { ...member, pauses }) })
    }
  }
}

function* smallerIngests(ingests: readonly IngestPlan[]): Iterable<readonly IngestPlan[]> {
  yield* without(ingests)
  for (const [i, ingest] of ingests.entries()) {
    const having = (smaller: Partial<IngestPlan>) => ingests.with(i, { ...ingest, ...smaller })
    if (ingest.records > 1) yield having({ records: Math.ceil(ingest.records / 2) })
    if (ingest.records > 1) yield having({ records: ingest.records - 1 })
    if (ingest.atOnce > 1) yield having({ atOnce: 1 })
    if (ingest.partitions > 1) yield having({ partitions: 1 })
    if (ingest.againChance > 0) yield having({ againChance: 0 })
  }
}

function* smallerPushes(push: PushPlan): Iterable<PushPlan> {
  const { producers, receiver, pauses } = push
  for (const fewer of without(pauses)) yield { ...push, pauses: fewer }
  for (const fewer of without(producers)) if (fewer.length > 0) yield { ...push, producers: fewer }
  for (const [i, producer] of producers.entries())
    for (const smaller of smallerProducers(producer)) yield { ...push, producers: producers.with(i, smaller) }
  for (const chance of ['refuseChance', 'partChance', 'lostAnswerChance', 'badEvery'] as const)
    if (receiver[chance] > 0) yield { ...push, receiver: { ...receiver, [chance]: 0 } }
  if (push.windowMs > 0) yield { ...push, windowMs: 0 }
}

function* smallerTransactors(transactor: TransactorPlan): Iterable<TransactorPlan> {
  const { dieAt, ...rest } = transactor
  const { transactions, partitions, batchesMax, inFlight, abortChance, offsetsChance, pauses } = transactor
  if (dieAt !== undefined) yield rest
  if (transactor.diesEnding) yield { ...transactor, diesEnding: false }
  if (transactions > 1) yield { ...transactor, transactions: transactions - 1 }
  if (partitions.length > 1) yield { ...transactor, partitions: partitions.slice(1) }
  if (batchesMax > 1) yield { ...transactor, batchesMax: 1 }
  if (inFlight > 1) yield { ...transactor, inFlight: 1 }
  if (abortChance > 0) yield { ...transactor, abortChance: 0 }
  if (offsetsChance > 0) yield { ...transactor, offsetsChance: 0 }
  for (const fewer of without(pauses)) yield { ...transactor, pauses: fewer }
}

function* smallerGroups(group: GroupPlan): Iterable<GroupPlan> {
  const { members, disagreements, coordinators, partitions, calmChange } = group
  if (calmChange) yield { ...group, calmChange: false }
  for (const fewer of without(members)) if (fewer.length > 0) yield { ...group, members: fewer }
  for (const fewer of without(disagreements)) yield { ...group, disagreements: fewer }
  for (const fewer of without(coordinators.slice(1))) yield { ...group, coordinators: [coordinators[0]!, ...fewer] }
  if (partitions.length > 1) yield { ...group, partitions: partitions.slice(1) }
  for (const [i, member] of members.entries())
    for (const smaller of smallerMembers(member)) yield { ...group, members: members.with(i, smaller) }
}

function* smallerConsumerGroups(group: ConsumerGroupPlan): Iterable<ConsumerGroupPlan> {
  const { members, disagreements, coordinators } = group
  for (const fewer of without(members)) if (fewer.length > 0) yield { ...group, members: fewer }
  for (const fewer of without(disagreements)) yield { ...group, disagreements: fewer }
  for (const fewer of without(coordinators.slice(1))) yield { ...group, coordinators: [coordinators[0]!, ...fewer] }
  for (const [i, member] of members.entries()) {
    for (const fewer of without(member.pauses))
      yield { ...group, members: members.with(i, { ...member, pauses: fewer }) }
    if (member.commitChance > 0) yield { ...group, members: members.with(i, { ...member, commitChance: 0 }) }
  }
}

function* smallerShareGroups(group: ShareGroupPlan): Iterable<ShareGroupPlan> {
  const { members, disagreements, coordinators } = group
  for (const fewer of without(members)) if (fewer.length > 0) yield { ...group, members: fewer }
  for (const fewer of without(disagreements)) yield { ...group, disagreements: fewer }
  for (const fewer of without(coordinators.slice(1))) yield { ...group, coordinators: [coordinators[0]!, ...fewer] }
  for (const [i, member] of members.entries()) {
    const having = (smaller: Partial<typeof member>) => ({
      ...group,
      members: members.with(i, { ...member, ...smaller }),
    })
    for (const fewer of without(member.pauses)) yield having({ pauses: fewer })
    const [first, ...changes] = member.subscriptions
    for (const fewer of without(changes)) yield having({ subscriptions: [first!, ...fewer] })
  }
}

function* smallerMembers(member: MemberPlan): Iterable<MemberPlan> {
  const { end, instance, pauses, commitChance, twoRounds, ...rest } = member
  const keep = { ...rest, pauses, commitChance, twoRounds }
  if (end) yield { ...keep, ...(instance !== undefined && { instance }) }
  if (instance !== undefined) yield { ...keep, ...(end && { end }) }
  for (const fewer of without(pauses)) yield { ...member, pauses: fewer }
  if (commitChance > 0) yield { ...member, commitChance: 0 }
  if (twoRounds) yield { ...member, twoRounds: false }
}

function* smallerProducers(producer: ProducerPlan): Iterable<ProducerPlan> {
  const { batches, recordsMax, valueBytesMax, inFlight, retries } = producer
  if (batches > 1) yield { ...producer, batches: Math.ceil(batches / 2) }
  if (batches > 1) yield { ...producer, batches: batches - 1 }
  if (recordsMax > 1) yield { ...producer, recordsMax: 1 }
  if (valueBytesMax > 0) yield { ...producer, valueBytesMax: 0 }
  if (inFlight > 1) yield { ...producer, inFlight: 1 }
  if (retries > 0) yield { ...producer, retries: 0 }
}

/** The list without all, without either half, without each one. */
function* without<T>(list: readonly T[]): Iterable<readonly T[]> {
  if (list.length === 0) return
  yield []
  if (list.length > 2) {
    const middle = list.length >> 1
    yield list.slice(middle)
    yield list.slice(0, middle)
  }
  if (list.length > 1) for (const i of list.keys()) yield list.toSpliced(i, 1)
}
