/**
 * What the members of a share group are told: an epoch that does not go back while they are in it, and in one epoch one assignment. Their
 * heartbeats may overtake each other only where one was given up.
 */
import type { Membership, Operation, Violation } from './history.ts'

export function checkMemberships(history: readonly Operation[]): Violation[] {
  const memberships = history.filter((one): one is Membership => one.kind === 'membership' && one.told !== undefined)
  const lives = Map.groupBy(memberships, ({ group, member, life }) => `${member} of ${group}, life ${life}`)
  return [...lives].flatMap(([whose, own]) => checkLife(whose, own))
}

function checkLife(whose: string, own: readonly Membership[]): Violation[] {
  const violations: Violation[] = []
  const assignments = new Map<number, string>()
  for (const { said, told = 0, assignment } of own) {
    if (told < said)
      violations.push({ property: 'stale-heartbeat', what: `${whose} said ${said} and was told ${told}` })
    if (assignment === undefined) continue
    const before = assignments.get(told)
    if (before !== undefined && before !== assignment)
      violations.push({
        property: 'two-owners',
        what: `${whose} in ${told} was told ${before}, and then ${assignment}`,
      })
    assignments.set(told, assignment)
  }
  return violations
}
