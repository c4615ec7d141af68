/** Which partitions of which topics: the value that all of a consumer group's assignments are. Pure. */
import type { ByteReader, ByteWriter } from '../base/index.ts'

/** Topic id (32 hex digits) → partitions, ascending, at least one. */
export type Assignment = ReadonlyMap<string, readonly number[]>

export const NOTHING: Assignment = new Map()

export function isEmpty(assignment: Assignment): boolean {
  return assignment.size === 0
}

export function has(assignment: Assignment, topicId: string, partition: number): boolean {
  return assignment.get(topicId)?.includes(partition) ?? false
}

export function countOf(assignment: Assignment): number {
  let count = 0
  for (const partitions of assignment.values()) count += partitions.length
  return count
}

/** What `one` has and `keep` lets through. */
export function filtered(one: Assignment, keep: (topicId: string, partition: number) => boolean): Assignment {
  const kept = new Map<string, readonly number[]>()
  for (const [topicId, partitions] of one) {
    const some = partitions.filter(partition => keep(topicId, partition))
    if (some.length > 0) kept.set(topicId, some)
  }
  return kept
}

export function both(one: Assignment, other: Assignment): Assignment {
  return intersectWith(one, setsOf(other), true)
}

export function without(one: Assignment, other: Assignment): Assignment {
  return other.size === 0 ? one : intersectWith(one, setsOf(other), false)
}

export function union(one: Assignment, other: Assignment): Assignment {
  if (other.size === 0) return one
  const all = new Map(one)
  for (const [topicId, partitions] of other) all.set(topicId, sorted([...(all.get(topicId) ?? []), ...partitions]))
  return all
}

export function isSubset(one: Assignment, other: Assignment): boolean {
  return without(one, other).size === 0
}

export function sameAssignment(one: Assignment, other: Assignment): boolean {
  if (one === other) return true
  if (one.size !== other.size) return false
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId)
    if (others?.length !== partitions.length || partitions.some((partition, i) => others[i] !== partition)) return false
  }
  return true
}

/** From any list of topics and partitions, with repetitions or not. */
export function assignmentOf(topics: Iterable<readonly [string, Iterable<number>]>): Assignment {
  const all = new Map<string, readonly number[]>()
  for (const [topicId, partitions] of topics) {
    const merged = sorted([...(all.get(topicId) ?? []), ...partitions])
    if (merged.length > 0) all.set(topicId, merged)
  }
  return all
}

/** Runs of neighbouring partitions; `placeOf` numbers the topic ids. */
export function writeAssignment(
  writer: ByteWriter,
  assignment: Assignment,
  placeOf: (topicId: string) => number,
): void {
  writer.uint(assignment.size)
  for (const [topicId, partitions] of assignment) {
    const runs: [number, number][] = []
    for (const partition of partitions) {
      const last = runs.at(-1)
      if (last && last[0] + last[1] === partition) last[1]++
      else runs.push([partition, 1])
    }
    writer.uint(placeOf(topicId)).uint(runs.length)
    let end = 0
    for (const [first, length] of runs) {
      writer.uint(first - end).uint(length)
      end = first + length
    }
  }
}

export function readAssignment(reader: ByteReader, topicIdAt: (place: number) => string): Assignment {
  return new Map(
    reader.list((r): [string, number[]] => {
      const topicId = topicIdAt(r.uint())
      const partitions: number[] = []
      let end = 0
      r.list(run => {
        const first = end + run.uint()
        const length = run.uint()
        for (let i = 0; i < length; i++) partitions.push(first + i)
        end = first + length
      })
      return [topicId, partitions]
    }),
  )
}

function setsOf(assignment: Assignment): Map<string, Set<number>> {
  return new Map([...assignment].map(([topicId, partitions]) => [topicId, new Set(partitions)]))
}

function intersectWith(one: Assignment, sets: Map<string, Set<number>>, wanted: boolean): Assignment {
  return filtered(one, (topicId, partition) => (sets.get(topicId)?.has(partition) ?? false) === wanted)
}

function sorted(partitions: readonly number[]): number[] {
  return [...new Set(partitions)].sort((a, b) => a - b)
}
