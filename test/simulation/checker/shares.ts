/**
 * A record of a share group is with one member at a time, comes again only while nobody has settled it, as often as the
 * limit says, and is settled in the end.
 *
 * Clocks differ and answers take their time, so "at a time" goes by what was answered: a lock is held surely from the
 * answer until its duration after the request, unless its member has asked to be rid of it, has opened another session, or
 * has lost its connection before.
 */
import type { AllDone, Delivery, Operation, Settlement, Violation } from './history.ts'

interface Given {
  readonly delivery: Delivery
  readonly deliveries: number
}

export function checkShares(history: readonly Operation[]): Violation[] {
  const deliveries = history.filter(operation => operation.kind === 'delivery')
  const settlements = history.filter(operation => operation.kind === 'settlement')
  const ends = history.filter(operation => operation.kind === 'all-done')
  const keyOf = ({ group, partition }: Delivery | Settlement | AllDone) => `${partition} of ${group}`
  const keys = new Set([...deliveries, ...ends].map(keyOf))
  return [...keys].flatMap(key =>
    checkPartition(
      key,
      deliveries.filter(one => keyOf(one) === key),
      settlements.filter(one => keyOf(one) === key),
      ends.find(one => keyOf(one) === key),
    ),
  )
}

function checkPartition(
  key: string,
  deliveries: readonly Delivery[],
  settlements: readonly Settlement[],
  end: AllDone | undefined,
): Violation[] {
  const given = new Map<number, Given[]>()
  for (const delivery of deliveries) {
    for (const { first, last, deliveries: count } of delivery.spans) {
      for (let offset = first; offset <= last; offset++) {
        const before = given.get(offset) ?? []
        given.set(offset, [...before, { delivery, deliveries: count }])
      }
    }
  }
  const offsets = new Set([...given.keys(), ...Array.from({ length: end?.end ?? 0 }, (_, offset) => offset)])
  const lostAnswers = deliveries.filter(({ outcome }) => outcome === 'unknown').length
  return [...offsets].flatMap(offset => {
    const own = settlements.filter(({ first, last }) => first <= offset && last >= offset)
    const times = (given.get(offset) ?? []).sort((a, b) => a.delivery.completed - b.delivery.completed)
    const what = `record ${offset} of ${key}`
    return [
      ...checkSettled(what, times, own),
      ...checkHolders(what, times),
      ...checkCounts(what, times),
      ...(end && offset < end.end ? checkEnd(what, times, own, lostAnswers) : []),
    ]
  })
}

/** What was accepted or rejected, and answered so, is given to nobody who asks after that. */
function checkSettled(what: string, times: readonly Given[], own: readonly Settlement[]): Violation[] {
  const settled = own.find(({ type, outcome }) => outcome === 'done' && (type === 'accept' || type === 'reject'))
  const again = settled && times.find(({ delivery }) => delivery.invoked > settled.completed)
  if (!again) return []
  const told = `${what}: ${settled.type} of ${settled.member} was answered, and ${again.delivery.member} was given it`
  return [{ property: 'delivered-again', what: told }]
}

function checkHolders(what: string, times: readonly Given[]): Violation[] {
  return times.flatMap(({ delivery: one }, place) =>
    times.slice(place + 1).flatMap(({ delivery: other }): Violation[] => {
      const isLater = other.invoked > one.completed
      if (!isLater || other.completedAtMs >= one.heldUntilMs) return []
      const told = `${one.member} held it until ${one.heldUntilMs}, ${other.member} was given it by ${other.completedAtMs}`
      return [{ property: 'two-holders', what: `${what}: ${told}` }]
    }),
  )
}

/** Two deliveries have one number only where the first was closed as not seen. */
function checkCounts(what: string, times: readonly Given[]): Violation[] {
  const violations: Violation[] = []
  const unseen = times.some(({ delivery }) => delivery.isUnseen)
  for (const [place, { delivery, deliveries }] of times.entries()) {
    if (deliveries > delivery.deliveriesMax) {
      violations.push({ property: 'delivery-count', what: `${what}: delivered ${deliveries} times` })
    }
    const before = times.slice(0, place).find(one => one.deliveries === deliveries)
    const earlier = times
      .slice(0, place)
      .find(one => one.delivery.completed < delivery.invoked && one.deliveries > deliveries)
    if (unseen || (!before && !earlier)) continue
    const told = `${what}: delivery ${deliveries} to ${delivery.member} after ${before ? 'the same' : earlier!.deliveries}`
    violations.push({ property: 'delivery-count', what: told })
  }
  return violations
}

/** In the end somebody settled it, or may have, or it was delivered as often as it may be, answers that were lost included. */
function checkEnd(what: string, times: readonly Given[], own: readonly Settlement[], lostAnswers: number): Violation[] {
  if (own.some(({ type, outcome }) => outcome !== 'refused' && (type === 'accept' || type === 'reject'))) return []
  const counted = Math.max(0, ...times.map(({ deliveries }) => deliveries))
  const limit = times[0]?.delivery.deliveriesMax ?? Number.POSITIVE_INFINITY
  if (counted + lostAnswers >= Math.min(limit, counted === 0 ? lostAnswers || 1 : limit)) return []
  return [{ property: 'given-up', what: `${what} is done, was delivered ${counted} times, and nobody settled it` }]
}
