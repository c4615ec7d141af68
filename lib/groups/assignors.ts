/**
 * The server-side assignors of consumer groups, as Kafka names them. Pure: the same members and topics give the same targets.
 * `uniform`: everyone has the same number of partitions, or one more, and keeps what it has where that is possible.
 * `range`: of each topic the partitions in order are dealt out in stretches, so that equal numbers of different topics meet.
 * Racks play no part, as in Apache Kafka 4: a partition here has no place that one member is nearer to.
 */
import { type Assignment, assignmentOf } from './assignment.ts'
import type { TopicShape } from './consumer-document.ts'
import { BALANCE_MOVES_MAX } from './settings.ts'

export interface AssignableMember {
  readonly id: string
  readonly instanceId: string | undefined
  /** Of the topics that exist. */
  readonly topicNames: readonly string[]
  /** What it was to have until now. */
  readonly target: Assignment
}

export type Assignor = (
  members: readonly AssignableMember[],
  topics: ReadonlyMap<string, TopicShape>,
) => Map<string, Assignment>

/** The first is the default. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', assignUniformly],
  ['range', assignRanges],
])

function assignRanges(members: readonly AssignableMember[], topics: ReadonlyMap<string, TopicShape>) {
  const sorted = members.toSorted(
    (a, b) => compare(a.instanceId ?? '\u{10ffff}', b.instanceId ?? '\u{10ffff}') || compare(a.id, b.id),
  )
  const given = new Map(members.map(({ id }): [string, [string, number[]][]] => [id, []]))
  for (const [name, { id, partitions }] of topics) {
    const subscribers = sorted.filter(({ topicNames }) => topicNames.includes(name))
    let next = 0
    for (const [index, member] of subscribers.entries()) {
      const share = Math.floor(partitions / subscribers.length) + (index < partitions % subscribers.length ? 1 : 0)
      given.get(member.id)!.push([id, Array.from({ length: share }, (_, i) => next + i)])
      next += share
    }
  }
  return new Map([...given].map(([id, parts]) => [id, assignmentOf(parts)]))
}

interface Share {
  readonly id: string
  readonly topicIds: ReadonlySet<string>
  readonly parts: Map<string, number[]>
  count: number
}

function assignUniformly(members: readonly AssignableMember[], topics: ReadonlyMap<string, TopicShape>) {
  const shares = members.toSorted((a, b) => compare(a.id, b.id)).map(member => shareOf(member, topics))
  const byTopic = new Map([...topics.values()].map(({ id }) => [id, shares.filter(({ topicIds }) => topicIds.has(id))]))
  const taken = keepWhatIsHad(shares, members, topics)
  const sameForAll = shares.every(
    ({ topicIds }) => topicIds.size === shares[0]!.topicIds.size && isSubsetOf(topicIds, shares[0]!.topicIds),
  )
  if (sameForAll) trimToQuota(shares, topics, taken)
  // Topics with few subscribers first: the others can make up for them.
  const shapes = [...topics.values()].sort(
    (a, b) => byTopic.get(a.id)!.length - byTopic.get(b.id)!.length || compare(a.id, b.id),
  )
  for (const { id, partitions } of shapes) {
    const subscribers = byTopic.get(id)!
    if (subscribers.length > 0) dealOut(id, partitions, subscribers, taken)
  }
  if (!sameForAll) balance(shares, byTopic)
  return new Map(shares.map(({ id, parts }) => [id, assignmentOf(parts)]))
}

function shareOf({ id, topicNames }: AssignableMember, topics: ReadonlyMap<string, TopicShape>): Share {
  const topicIds = new Set(topicNames.flatMap(name => topics.get(name)?.id ?? []))
  return { id, topicIds, parts: new Map(), count: 0 }
}

/** Answers which partitions of each topic have an owner. */
function keepWhatIsHad(
  shares: readonly Share[],
  members: readonly AssignableMember[],
  topics: ReadonlyMap<string, TopicShape>,
): Map<string, Set<number>> {
  const sizes = new Map([...topics.values()].map(({ id, partitions }) => [id, partitions]))
  const taken = new Map([...sizes.keys()].map((id): [string, Set<number>] => [id, new Set()]))
  const targets = new Map(members.map(({ id, target }) => [id, target]))
  for (const share of shares) {
    for (const [topicId, partitions] of targets.get(share.id)!) {
      if (!share.topicIds.has(topicId)) continue
      for (const partition of partitions) {
        const inTopic = taken.get(topicId)!
        if (partition >= sizes.get(topicId)! || inTopic.has(partition)) continue
        inTopic.add(partition)
        give(share, topicId, partition)
      }
    }
  }
  return taken
}

/** Where all have the same topics: nobody keeps more than its part of all, and only as many one more as there must be. */
function trimToQuota(
  shares: readonly Share[],
  topics: ReadonlyMap<string, TopicShape>,
  taken: Map<string, Set<number>>,
): void {
  let total = 0
  for (const { id, partitions } of topics.values()) if (shares[0]?.topicIds.has(id)) total += partitions
  const quota = Math.floor(total / shares.length)
  let larger = total % shares.length
  for (const share of shares) {
    const allowed = share.count > quota && larger > 0 ? quota + 1 : quota
    if (share.count > quota && larger > 0) larger--
    while (share.count > allowed) {
      const [topicId, partitions] = longest(share)
      taken.get(topicId)!.delete(partitions.at(-1)!)
      take(share, topicId)
    }
  }
}

function dealOut(
  topicId: string,
  partitions: number,
  subscribers: readonly Share[],
  taken: Map<string, Set<number>>,
): void {
  const inTopic = taken.get(topicId)!
  const byCount = subscribers.toSorted((a, b) => a.count - b.count || compare(a.id, b.id))
  for (let partition = 0; partition < partitions; partition++) {
    if (inTopic.has(partition)) continue
    const least = byCount.shift()!
    give(least, topicId, partition)
    insertByCount(byCount, least)
  }
}

/** Members with different subscriptions: partitions go from who has more to who has less, as long as that evens them out. */
function balance(shares: readonly Share[], byTopic: ReadonlyMap<string, readonly Share[]>): void {
  let moves = 0
  for (let moved = true; moved; ) {
    moved = false
    for (const share of shares.toSorted((a, b) => b.count - a.count || compare(a.id, b.id))) {
      for (const topicId of [...share.parts.keys()].sort()) {
        const least = leastOf(byTopic.get(topicId)!)
        if (least.count + 1 >= share.count) continue
        give(least, topicId, take(share, topicId))
        moved = true
        if (++moves >= BALANCE_MOVES_MAX) return
      }
    }
  }
}

function leastOf(shares: readonly Share[]): Share {
  let least = shares[0]!
  for (const share of shares) if (share.count < least.count) least = share
  return least
}

function longest(share: Share): [string, number[]] {
  let found: [string, number[]] | undefined
  for (const entry of share.parts) if (!found || entry[1].length > found[1].length) found = entry
  return found!
}

function give(share: Share, topicId: string, partition: number): void {
  const parts = share.parts.get(topicId)
  if (parts) parts.push(partition)
  else share.parts.set(topicId, [partition])
  share.count++
}

function take(share: Share, topicId: string): number {
  const parts = share.parts.get(topicId)!
  const partition = parts.pop()!
  if (parts.length === 0) share.parts.delete(topicId)
  share.count--
  return partition
}

/** Binary search: after all with the same count. */
function insertByCount(sorted: Share[], share: Share): void {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]!.count <= share.count) low = middle + 1
    else high = middle
  }
  sorted.splice(low, 0, share)
}

function isSubsetOf(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  for (const id of one) if (!other.has(id)) return false
  return true
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
