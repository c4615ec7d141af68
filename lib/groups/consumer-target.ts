/** Another epoch, with its targets: what every change of a consumer group ends in. Pure. */

import { sameAssignment } from './assignment.ts'
import { assignors } from './assignors.ts'
import type { ConsumerDocument, ConsumerMember, TopicShape } from './consumer-document.ts'
import { type TopicsSeen, topicsOf } from './consumer-group.ts'

/** The group with the topics that its members are subscribed to as they are now; the same object where nothing changed. */
export function lookAtTopics(group: ConsumerDocument, seen: TopicsSeen): ConsumerDocument {
  const regexes = new Map<string, readonly string[]>()
  const names = new Set<string>()
  for (const { topicNames, regex } of group.members.values()) {
    for (const name of topicNames) names.add(name)
    if (regex !== undefined && !regexes.has(regex)) regexes.set(regex, seen.matching(regex))
  }
  for (const matched of regexes.values()) for (const name of matched) names.add(name)
  const topics = new Map<string, TopicShape>()
  for (const name of [...names].sort()) {
    const shape = seen.named(name)
    if (shape) topics.set(name, shape)
  }
  return sameTopics(group.topics, topics) && sameRegexes(group.regexes, regexes) ? group : { ...group, topics, regexes }
}

/** Raises the epoch and gives every member its target. */
export function assignAnew(group: ConsumerDocument, defaultAssignor: string): ConsumerDocument {
  const assignor = electAssignor(group, defaultAssignor)
  const assignable = [...group.members.values()].map(member => ({ ...member, topicNames: topicsOf(member, group) }))
  const targets = assignors.get(assignor)!(assignable, group.topics)
  const members = new Map<string, ConsumerMember>()
  for (const member of group.members.values()) {
    const target = targets.get(member.id)!
    members.set(member.id, sameAssignment(target, member.target) ? member : { ...member, target })
  }
  return { ...group, epoch: group.epoch + 1, assignor, members }
}

/** What most members ask for; the default where nobody asks. */
function electAssignor(group: ConsumerDocument, defaultAssignor: string): string {
  const votes = new Map<string, number>()
  for (const { assignor } of group.members.values()) {
    if (assignor !== undefined && assignors.has(assignor)) votes.set(assignor, (votes.get(assignor) ?? 0) + 1)
  }
  let elected: string | undefined
  for (const [name, count] of votes) if (elected === undefined || count > votes.get(elected)!) elected = name
  return elected ?? defaultAssignor
}

function sameTopics(one: ReadonlyMap<string, TopicShape>, other: ReadonlyMap<string, TopicShape>): boolean {
  if (one.size !== other.size) return false
  for (const [name, { id, partitions }] of one) {
    const counterpart = other.get(name)
    if (counterpart?.id !== id || counterpart.partitions !== partitions) return false
  }
  return true
}

function sameRegexes(
  one: ReadonlyMap<string, readonly string[]>,
  other: ReadonlyMap<string, readonly string[]>,
): boolean {
  if (one.size !== other.size) return false
  for (const [regex, names] of one) {
    const counterpart = other.get(regex)
    if (counterpart?.length !== names.length || names.some((name, i) => counterpart[i] !== name)) return false
  }
  return true
}
