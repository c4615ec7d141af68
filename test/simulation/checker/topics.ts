/** A name means one topic at a time, and what exists is found. */
import type { Operation, Poll, Send, TopicChange, TopicLookup, Violation } from './history.ts'

/** What is found may be so old, in ms; what is not found was asked for strongly. */
const CACHED_MS = 10_000

export function checkTopics(history: readonly Operation[]): Violation[] {
  const changes: TopicChange[] = []
  const lookups: TopicLookup[] = []
  const uses: (Send | Poll)[] = []
  for (const operation of history) {
    if (operation.kind === 'create' || operation.kind === 'delete' || operation.kind === 'grow') changes.push(operation)
    if (operation.kind === 'lookup') lookups.push(operation)
    if (operation.kind === 'send' || operation.kind === 'poll') uses.push(operation)
  }
  const lives = livesOf(changes)
  return [...checkNames(lives), ...checkLookups(lookups, lives), ...checkUses(uses, lives)]
}

/** One topic from the end of its creation to the first moment at which it may have been deleted. */
interface Life {
  readonly name: string
  readonly id: string
  readonly creating: number
  readonly from: number
  readonly fromMs: number
  readonly until: number
  /** How many partitions it has for sure, from which tick on. */
  readonly partitions: readonly { readonly count: number; readonly from: number }[]
}

function livesOf(changes: readonly TopicChange[]): Life[] {
  return changes.flatMap(create => {
    const { kind, outcome, name, invoked, completed, partitions } = create
    if (kind !== 'create' || outcome.kind !== 'done') return []
    const deletes = changes.filter(
      change =>
        change.kind === 'delete' &&
        change.name === name &&
        change.outcome.kind !== 'refused' &&
        (change.completed > invoked || change.outcome.kind === 'unknown'),
    )
    const grown = changes
      .filter(change => change.kind === 'grow' && change.outcome.kind === 'done' && change.outcome.id === outcome.id)
      .map(change => ({ count: change.partitions, from: change.completed }))
    return {
      name,
      id: outcome.id,
      creating: invoked,
      from: completed,
      fromMs: create.completedAtMs,
      until: Math.min(Infinity, ...deletes.map(change => change.invoked)),
      partitions: [{ count: partitions, from: completed }, ...grown],
    }
  })
}

function checkNames(lives: readonly Life[]): Violation[] {
  return lives.flatMap((life, i) =>
    lives
      .slice(i + 1)
      .filter(other => other.name === life.name && other.id !== life.id)
      .filter(other => life.until >= other.from && other.until >= life.from)
      .map(other => ({ property: 'two-topics' as const, what: `${life.name} is ${life.id} and ${other.id}` })),
  )
}

function checkLookups(lookups: readonly TopicLookup[], lives: readonly Life[]): Violation[] {
  return lookups.flatMap(({ name, outcome, invoked, invokedAtMs, completed }): Violation[] => {
    const life = lives.find(life => life.name === name && life.from < invoked && life.until > completed)
    if (!life) return []
    if (outcome.kind === 'none')
      return [{ property: 'false-refusal', what: `${name} was not found, and is ${life.id}` }]
    if (outcome.kind !== 'found') return []
    if (outcome.id !== life.id && invokedAtMs > life.fromMs + CACHED_MS)
      return [{ property: 'two-topics', what: `${name} is ${life.id}, found ${outcome.id}` }]
    return []
  })
}

/** Nobody may be told that a topic or partition is unknown while it exists. */
function checkUses(uses: readonly (Send | Poll)[], lives: readonly Life[]): Violation[] {
  return uses.flatMap(({ partition, outcome, invoked, completed }): Violation[] => {
    if (outcome.kind !== 'refused' || outcome.code !== 'UNKNOWN_TOPIC') return []
    const [id, index] = partition.split('/')
    const life = lives.find(life => life.id === id && life.from < invoked && life.until > completed)
    if (!life?.partitions.some(({ count, from }) => Number(index) < count && from < invoked)) return []
    return [{ property: 'false-refusal', what: `${partition} of ${life.name} was told to be unknown` }]
  })
}
