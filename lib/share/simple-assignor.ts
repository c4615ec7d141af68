/**
 * Which partitions each member of a share group fetches from, in the manner of Kafka's SimpleAssignor: every partition
 * has a member, every member a partition, and no more is shared than must be. Members keep what they have where that
 * stays balanced.
 */
import type { AssignedTopic, ShareMember, SubscribedTopic } from './share-group-document.ts'

interface Partition {
  readonly topicId: string
  readonly partition: number
}

/** The assignment of each member, in the order of the members. */
export function assignSimply(
  members: readonly ShareMember[],
  topics: readonly SubscribedTopic[],
): readonly (readonly AssignedTopic[])[] {
  const assigned = members.map((): Partition[] => [])
  const alike = members.every(({ subscription }) => subscription.join() === members[0]!.subscription.join())
  const wanted = topics.filter(({ name }) => members.some(({ subscription }) => subscription.includes(name)))
  for (const together of alike ? [wanted] : wanted.map(topic => [topic])) {
    const places = members.flatMap(({ subscription }, place) =>
      together.some(({ name }) => subscription.includes(name)) ? [place] : [],
    )
    const partitions = together.flatMap(({ id, partitions: count }) =>
      Array.from({ length: count }, (_, partition) => ({ topicId: id, partition })),
    )
    assignTogether(members, places, partitions, assigned)
  }
  return assigned.map(grouped)
}

function assignTogether(
  members: readonly ShareMember[],
  places: readonly number[],
  partitions: readonly Partition[],
  assigned: Partition[][],
): void {
  if (places.length === 0 || partitions.length === 0) return
  const held = places.map(place => new Set(members[place]!.assignment.flatMap(keysOf)))
  if (places.length >= partitions.length) {
    const indexOf = new Map(partitions.map((partition, i) => [keyOf(partition), i]))
    const before = held.map(keys => [...keys].flatMap(key => indexOf.get(key) ?? []))
    const loads = partitions.map(() => 0)
    for (const [i, bin] of balance(before, loads).entries()) assigned[places[i]!]!.push(partitions[bin]!)
  } else {
    const before = partitions.map(one => held.flatMap((keys, i) => (keys.has(keyOf(one)) ? [i] : [])))
    const loads = places.map(place => assigned[place]!.length)
    for (const [i, bin] of balance(before, loads).entries()) assigned[places[bin]!]!.push(partitions[i]!)
  }
}

/** A bin for each thing: its own of before while that is not too full, else the least loaded. */
function balance(before: readonly (readonly number[])[], loads: number[]): number[] {
  const floor = Math.floor((before.length + loads.reduce((sum, load) => sum + load, 0)) / loads.length)
  const bins = before.map(own => {
    const kept = own.find(bin => loads[bin]! < floor)
    if (kept !== undefined) loads[kept]!++
    return kept
  })
  return bins.map((kept, thing) => {
    if (kept !== undefined) return kept
    const least = Math.min(...loads)
    const bin = before[thing]!.find(own => loads[own] === least) ?? loads.indexOf(least)
    loads[bin]!++
    return bin
  })
}

function grouped(partitions: readonly Partition[]): AssignedTopic[] {
  return [...Map.groupBy(partitions, ({ topicId }) => topicId)].map(([topicId, some]) => ({
    topicId,
    partitions: some.map(({ partition }) => partition).sort((a, b) => a - b),
  }))
}

function keyOf({ topicId, partition }: Partition): string {
  return `${topicId}/${partition}`
}

function keysOf({ topicId, partitions }: AssignedTopic): string[] {
  return partitions.map(partition => keyOf({ topicId, partition }))
}
