/**
 * What a subscription delivers: every record at least once, or it is given up after so many attempts; those of a partition in order,
 * looked at when each was taken first; nothing that is not in the log.
 */
import type { DeadLetters, Operation, Pushed, Send, Violation } from './history.ts'

export function checkPushes(history: readonly Operation[]): Violation[] {
  const letters = history.filter((operation): operation is DeadLetters => operation.kind === 'dead-letters')
  return [...Map.groupBy(letters, ({ subscription }) => subscription)].flatMap(([name, ends]) => {
    const [{ topic, attemptsMax }] = ends as [DeadLetters]
    const givenUp = new Set(ends.flatMap(({ values }) => values))
    const pushed = history.filter((one): one is Pushed => one.kind === 'pushed' && one.subscription === name)
    const sends = history.filter((one): one is Send => one.kind === 'send' && one.partition.startsWith(`${topic}/`))
    return [
      ...checkDelivered(sends, pushed, givenUp),
      ...[...Map.groupBy(pushed, ({ partition }) => partition)].flatMap(([partition, own]) =>
        checkOrder(partition, own),
      ),
      ...checkSent(sends, pushed),
      ...checkGivenUp(pushed, givenUp, attemptsMax),
    ]
  })
}

function checkDelivered(sends: readonly Send[], pushed: readonly Pushed[], givenUp: ReadonlySet<string>): Violation[] {
  const taken = new Set(pushed.flatMap(({ records, taken }) => records.slice(0, taken).map(({ value }) => value)))
  const acked = new Set(sends.filter(({ outcome }) => outcome.kind === 'acked').flatMap(({ values }) => values))
  return [...acked]
    .filter(value => !taken.has(value) && !givenUp.has(value))
    .map(value => ({ property: 'lost-write', what: `${value} was never delivered, and not given up` }))
}

function checkOrder(partition: number, pushed: readonly Pushed[]): Violation[] {
  const taken = new Set<number>()
  let last = -1
  const violations: Violation[] = []
  for (const { records, taken: count } of pushed.toSorted((a, b) => a.invoked - b.invoked)) {
    for (const { offset } of records.slice(0, count)) {
      if (taken.has(offset)) continue
      taken.add(offset)
      if (offset < last) {
        const what = `${offset} of ${partition} was taken first after ${last}`
        violations.push({ property: 'nonmonotonic-poll', what })
      }
      last = Math.max(last, offset)
    }
  }
  return violations
}

/** Each delivery has what was sent, at the offset that was told. */
function checkSent(sends: readonly Send[], pushed: readonly Pushed[]): Violation[] {
  const sent = new Set(sends.flatMap(({ values }) => values))
  const offsets = new Map(
    sends.flatMap(({ outcome, values }) =>
      outcome.kind === 'acked' ? values.map((value, i) => [value, outcome.offset + i] as const) : [],
    ),
  )
  return pushed.flatMap(({ records, partition }) =>
    records.flatMap(({ offset, value }): Violation[] => {
      if (!sent.has(value)) return [{ property: 'phantom', what: `${value} was delivered, and nobody sent it` }]
      const known = offsets.get(value)
      if (known === undefined || known === offset) return []
      return [
        { property: 'inconsistent-offsets', what: `${value} was delivered as ${partition}/${offset}, is at ${known}` },
      ]
    }),
  )
}

function checkGivenUp(pushed: readonly Pushed[], givenUp: ReadonlySet<string>, attemptsMax: number): Violation[] {
  return [...givenUp].flatMap((value): Violation[] => {
    const attempts = pushed.filter(({ records, taken }) => {
      const left = records.length === 1 ? records : records.slice(taken)
      return left.length === 1 && left[0]!.value === value
    }).length
    if (attempts >= attemptsMax) return []
    return [{ property: 'given-up', what: `${value} was given up after ${attempts} attempts with it alone` }]
  })
}
