/**
 * How one member goes from what it has to what it is to have (KIP-848, "member reconciliation"). Pure.
 *
 * What a consumer was told is its own until it has been told less and then says that it has no more. What it says in the request
 * that first brings it less does not count: a consumer that has just been told of partitions, and does not know
 * their topic yet, or is still in its callbacks, says that it has none, and takes them a moment later. (Apache Kafka gives such
 * partitions to others at once.) A member of the classic protocol has stopped when it joins again: what it says counts.
 */
import { type Assignment, both, filtered, has, isEmpty, NOTHING, union, without } from './assignment.ts'
import type { ConsumerDocument, ConsumerMember } from './consumer-document.ts'
import { ownersOf } from './consumer-group.ts'

/** `owned`: what the member says it has; undefined: it says nothing of it, which gives nothing up. */
export function reconcile(
  group: ConsumerDocument,
  member: ConsumerMember,
  owned: Assignment | undefined,
): ConsumerMember {
  if (member.state === 'stable' && member.epoch === group.epoch) return member
  if (member.state === 'unrevoked' && stillOwns(owned, member.revoking)) return member
  const kept = both(member.assigned, member.target)
  const revoking = without(member.assigned, kept)
  // In epoch 0 it has just joined, a static one in the place that it had: it was told of nothing yet.
  const mayTakeMore = !member.classic && member.epoch > 0
  if (!isEmpty(revoking) && (mayTakeMore || stillOwns(owned, revoking))) {
    return { ...member, state: 'unrevoked', previousEpoch: member.epoch, assigned: kept, revoking }
  }
  const owners = ownersOf(group)
  const wanted = without(member.target, kept)
  const free = filtered(wanted, (topicId, partition) => {
    const owner = owners.get(`${topicId}/${partition}`)
    return owner === undefined || owner === member.id
  })
  return {
    ...member,
    state: isEmpty(without(wanted, free)) ? 'stable' : 'unreleased',
    epoch: group.epoch,
    // A member that has not heard of its epoch yet may go on asking with the one before.
    previousEpoch: member.epoch === group.epoch ? member.previousEpoch : member.epoch,
    assigned: union(kept, free),
    revoking: NOTHING,
  }
}

function stillOwns(owned: Assignment | undefined, revoking: Assignment): boolean {
  if (owned === undefined) return true
  for (const [topicId, partitions] of owned) {
    if (partitions.some(partition => has(revoking, topicId, partition))) return true
  }
  return false
}
