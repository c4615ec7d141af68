/** A consumer group of either protocol as REST Proxy v3 sees it: its members, and which partitions each of them has. */
import { type GroupListing, type MemberDescription, readConsumerAssignment } from '../../groups/index.ts'
import { allows } from '../../security/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import type { Call } from '../route.ts'
import { checkCluster } from './v3-answers.ts'

export type GroupCall = Call<{ cluster: string; group: string }, unknown>

export interface Stand {
  readonly listing: GroupListing
  readonly assignor: string
  readonly members: readonly Member[]
}

export interface Member {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly partitions: readonly Assigned[]
}

export interface Assigned {
  readonly topic: string
  readonly partition: number
}

/** What the caller asked for. @throws HttpError FORBIDDEN, NOT_FOUND; GroupError */
export async function usableGroup(call: GroupCall, parts: HttpParts): Promise<Stand> {
  checkCluster(call, parts)
  const { group } = call.params
  call.demandGroup(group)
  const listing = await parts.groups.listing(group)
  if (!listing || !isOfConsumers(listing)) throw new HttpError('NOT_FOUND', `there is no consumer group ${group}`)
  return standOf(listing, parts)
}

export function isOfConsumers({ type, protocolType }: GroupListing): boolean {
  return type !== 'streams' && (protocolType === '' || protocolType === 'consumer')
}

/** @throws GroupError */
export async function standOf(listing: GroupListing, { groups }: HttpParts): Promise<Stand> {
  const { groupId, type } = listing
  if (type !== 'consumer') {
    const { protocolName, members } = await groups.describe(groupId)
    const seen = members.map(member => ({ ...member, partitions: partitionsOf(member) }))
    return { listing, assignor: protocolName, members: seen }
  }
  const { assignor, members, topicNames } = await groups.describeConsumerGroup(groupId)
  const seen = members.map(member => {
    const partitions = [...member.assignment].flatMap(([id, some]) => {
      const topic = topicNames.get(id)
      return topic === undefined ? [] : some.map(partition => ({ topic, partition }))
    })
    return { ...member, partitions }
  })
  return { listing, assignor, members: seen }
}

/** Of topics that the caller may consume. */
export function assignmentsOf({ partitions }: Member, { principal }: Pick<GroupCall, 'principal'>): Assigned[] {
  return partitions.filter(({ topic }) => allows(principal, 'consume', topic)).sort(byPlace)
}

export function byPlace(a: Assigned, b: Assigned): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition
}

/** What a member of the classic protocol was given by its leader; nothing where that is in no form of Kafka's. */
function partitionsOf({ assignment }: MemberDescription): Assigned[] {
  const topics = readConsumerAssignment(assignment)?.topics ?? []
  return topics.flatMap(([topic, partitions]) => partitions.map(partition => ({ topic, partition })))
}
