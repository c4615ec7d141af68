/**
 * A streams topology against the topics that there are (KIP-1071): how many tasks each subtopology has, which internal topics are
 * to be made and how, and what stands in the way. Pure.
 */
import type { TopicShape } from './consumer-document.ts'
import type { TopicsSeen } from './consumer-group.ts'
import type { InternalTopic, StreamsTopology, Subtopology } from './streams-document.ts'

export type StreamsStatusName =
  | 'STALE_TOPOLOGY'
  | 'MISSING_SOURCE_TOPICS'
  | 'INCORRECTLY_PARTITIONED_TOPICS'
  | 'MISSING_INTERNAL_TOPICS'
  | 'SHUTDOWN_APPLICATION'

export interface StreamsStatus {
  readonly status: StreamsStatusName
  readonly detail: string
}

export interface ConfiguredTopology {
  /** Subtopology id → number of tasks; empty where something stands in the way. */
  readonly tasks: ReadonlyMap<string, number>
  readonly status: StreamsStatus | undefined
  /** Internal topics that are not there, with the partitions that they are to have. */
  readonly missing: readonly (InternalTopic & { readonly partitions: number })[]
  /** Subtopologies with regular expressions resolved, for administrators. */
  readonly subtopologies: readonly Subtopology[]
}

/** Names and regular expressions that `configureTopology` asks `seen` for. */
export function topicsOfTopology({ subtopologies }: StreamsTopology): { names: Set<string>; regexes: Set<string> } {
  const names = new Set<string>()
  const regexes = new Set<string>()
  for (const each of subtopologies) {
    for (const name of each.sourceTopics) names.add(name)
    for (const regex of each.sourceRegexes) regexes.add(regex)
    for (const { name } of [...each.changelogTopics, ...each.repartitionSourceTopics]) names.add(name)
  }
  return { names, regexes }
}

export function configureTopology(topology: StreamsTopology, seen: TopicsSeen): ConfiguredTopology {
  const subtopologies = topology.subtopologies.map(each => resolved(each, seen))
  const blocked = (status: StreamsStatusName, detail: string): ConfiguredTopology => {
    return { tasks: new Map(), status: { status, detail }, missing: [], subtopologies: topology.subtopologies }
  }
  const missingSources = missingSourceTopics(topology, seen)
  if (missingSources.length > 0) {
    return blocked('MISSING_SOURCE_TOPICS', `Source topics ${missingSources.join(', ')} are missing.`)
  }
  const partitions = new Map<string, number>()
  for (const { sourceTopics } of subtopologies) {
    for (const name of sourceTopics) partitions.set(name, seen.named(name)!.partitions)
  }
  const undecided = decideRepartitionTopics(subtopologies, partitions)
  if (undecided !== undefined) return blocked('INCORRECTLY_PARTITIONED_TOPICS', undecided)
  const mismatch = copartitionMismatch(subtopologies, partitions)
  if (mismatch !== undefined) return blocked('INCORRECTLY_PARTITIONED_TOPICS', mismatch)
  const tasks = new Map(subtopologies.map(each => [each.id, tasksOf(each, partitions)]))
  for (const each of subtopologies) {
    for (const { name } of each.changelogTopics) partitions.set(name, tasks.get(each.id)!)
  }
  const internal = subtopologies.flatMap(each => [...each.repartitionSourceTopics, ...each.changelogTopics])
  const wrong = internal.filter(({ name }) => {
    const shape = seen.named(name)
    return shape !== undefined && shape.partitions !== partitions.get(name)
  })
  if (wrong.length > 0) {
    const detail = wrong.map(
      ({ name }) =>
        `Existing topic ${name} has ${seen.named(name)!.partitions} partitions, expected ${partitions.get(name)}.`,
    )
    return blocked('INCORRECTLY_PARTITIONED_TOPICS', detail.join(' '))
  }
  const missing = internal
    .filter(({ name }) => !seen.named(name))
    .map(topic => ({ ...topic, partitions: partitions.get(topic.name)! }))
  if (missing.length === 0) return { tasks, status: undefined, missing, subtopologies }
  const names = missing.map(({ name }) => name).join(', ')
  return { ...blocked('MISSING_INTERNAL_TOPICS', `Internal topics are missing: [${names}]`), missing }
}

/** Topics that each subtopology's tasks read, repartition topics included. */
export function topicsReadBy({ sourceTopics, repartitionSourceTopics }: Subtopology): string[] {
  return [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)]
}

/** The shapes of all topics of the topology that there are. */
export function shapesSeen(topology: StreamsTopology, seen: TopicsSeen): Map<string, TopicShape> {
  const { names, regexes } = topicsOfTopology(topology)
  for (const regex of regexes) for (const name of seen.matching(regex)) names.add(name)
  const shapes = new Map<string, TopicShape>()
  for (const name of [...names].sort()) {
    const shape = seen.named(name)
    if (shape) shapes.set(name, shape)
  }
  return shapes
}

function resolved(subtopology: Subtopology, seen: TopicsSeen): Subtopology {
  if (subtopology.sourceRegexes.length === 0) return subtopology
  const matched = subtopology.sourceRegexes.flatMap(regex => seen.matching(regex))
  return { ...subtopology, sourceTopics: [...new Set([...subtopology.sourceTopics, ...matched])] }
}

function missingSourceTopics({ subtopologies }: StreamsTopology, seen: TopicsSeen): string[] {
  const missing = new Set<string>()
  for (const { sourceTopics, sourceRegexes } of subtopologies) {
    for (const name of sourceTopics) if (!seen.named(name)) missing.add(name)
    for (const regex of sourceRegexes) if (seen.matching(regex).length === 0) missing.add(regex)
  }
  return [...missing].sort()
}

/** A repartition topic has as many partitions as the widest subtopology that writes to it has tasks. Gives what cannot be decided. */
function decideRepartitionTopics(
  subtopologies: readonly Subtopology[],
  partitions: Map<string, number>,
): string | undefined {
  const repartition = new Map(
    subtopologies.flatMap(each => each.repartitionSourceTopics.map(topic => [topic.name, topic])),
  )
  for (const { name, partitions: fixed } of repartition.values()) if (fixed > 0) partitions.set(name, fixed)
  for (let round = 0; round <= repartition.size; round++) {
    followCopartitions(subtopologies, partitions)
    for (const name of repartition.keys()) {
      if (partitions.has(name)) continue
      const writers = subtopologies.filter(each => each.repartitionSinkTopics.includes(name))
      const known = writers.every(each => topicsReadBy(each).every(read => partitions.has(read)))
      if (known && writers.length > 0) partitions.set(name, Math.max(...writers.map(each => tasksOf(each, partitions))))
    }
  }
  const left = [...repartition.keys()].filter(name => !partitions.has(name))
  if (left.length === 0) return undefined
  return `The number of partitions of the repartition topics ${left.join(', ')} cannot be told.`
}

/** Repartition topics that say nothing of their own have as many partitions as the topics that they are joined with. */
function followCopartitions(subtopologies: readonly Subtopology[], partitions: Map<string, number>): void {
  for (const each of subtopologies) {
    for (const group of copartitionedTopics(each)) {
      const known = group.flatMap(name => partitions.get(name) ?? [])
      if (known.length === 0) continue
      for (const name of group) if (!partitions.has(name)) partitions.set(name, Math.max(...known))
    }
  }
}

function copartitionMismatch(
  subtopologies: readonly Subtopology[],
  partitions: ReadonlyMap<string, number>,
): string | undefined {
  for (const each of subtopologies) {
    for (const group of copartitionedTopics(each)) {
      const counts = new Set(group.map(name => partitions.get(name)))
      if (counts.size <= 1) continue
      const told = group.map(name => `${name}: ${partitions.get(name)}`).join(', ')
      return `Following topics do not have the same number of partitions: [{${told}}]`
    }
  }
  return undefined
}

function copartitionedTopics(subtopology: Subtopology): string[][] {
  return subtopology.copartitionGroups.map(group => [
    ...group.sourceTopics.flatMap(place => subtopology.sourceTopics[place] ?? []),
    ...group.repartitionSourceTopics.flatMap(place => subtopology.repartitionSourceTopics[place]?.name ?? []),
  ])
}

function tasksOf(subtopology: Subtopology, partitions: ReadonlyMap<string, number>): number {
  return Math.max(0, ...topicsReadBy(subtopology).map(name => partitions.get(name) ?? 0))
}
