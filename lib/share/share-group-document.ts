/**
 * The stored document of a share group's membership: `group#<id>` / `doc`, as of every group. It changes by
 * compare-and-swap, and only when who is a member, what they subscribe to, or what those topics have changes. Who is
 * alive, and which epoch each member was told, is its coordinator's memory.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../base/index.ts'
import { GROUP_KINDS } from '../groups/index.ts'

export interface ShareGroup {
  /** Token of the process that coordinates the group; 0 where none does. */
  readonly coordinator: number
  /** Being deleted; whoever finds it so finishes that. */
  readonly isDead: boolean
  /** Counts changes of membership, subscriptions and topics; assignments are always of this epoch. */
  readonly epoch: number
  /** Wall clock: when it was made, got its first member or lost its last, for its expiry only; 0 in documents of old. */
  readonly changedAt: number
  /** Those of the topics subscribed to that there are. */
  readonly topics: readonly SubscribedTopic[]
  readonly members: readonly ShareMember[]
}

export interface SubscribedTopic {
  readonly id: string
  readonly name: string
  readonly partitions: number
}

export interface ShareMember {
  readonly id: string
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** Sorted, each once. */
  readonly subscription: readonly string[]
  readonly assignment: readonly AssignedTopic[]
}

export interface AssignedTopic {
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** Version 1 had no `changedAt`. */
const FORMAT_VERSION = 2

export function newShareGroup(changedAt: number): ShareGroup {
  return { coordinator: 0, isDead: false, epoch: 0, changedAt, topics: [], members: [] }
}

export function encodeShareGroup({ coordinator, isDead, epoch, changedAt, topics, members }: ShareGroup): Uint8Array {
  const writer = new ByteWriter(256 + 128 * members.length)
  writer.uint8(FORMAT_VERSION).uint8(GROUP_KINDS.share)
  writer
    .uint(coordinator)
    .uint8(isDead ? 1 : 0)
    .uint(epoch)
  writer.uint(topics.length)
  for (const { id, name, partitions } of topics) writer.raw(Buffer.from(id, 'hex')).string(name).uint(partitions)
  const places = new Map(topics.map(({ id }, place) => [id, place]))
  writer.uint(members.length)
  for (const { id, rackId, clientId, clientHost, subscription, assignment } of members) {
    writer
      .string(id)
      .string(rackId ?? '')
      .string(clientId)
      .string(clientHost)
    writer.uint(subscription.length)
    for (const name of subscription) writer.string(name)
    writer.uint(assignment.length)
    for (const { topicId, partitions } of assignment) {
      writer.uint(places.get(topicId)!).uint(partitions.length)
      for (const partition of partitions) writer.uint(partition)
    }
  }
  writer.uint(Math.max(0, Math.floor(changedAt)))
  return writer.finish()
}

/** @throws CorruptDataError also for an unknown format */
export function decodeShareGroup(bytes: Uint8Array): ShareGroup {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('group document', version, FORMAT_VERSION, 1)
  const kind = reader.uint8()
  if (kind !== GROUP_KINDS.share) throw new CorruptDataError(`group document of kind ${kind}, not a share group's`)
  const coordinator = reader.uint()
  const isDead = reader.uint8() === 1
  const epoch = reader.uint()
  const topics = reader.list(r => ({ id: r.raw(16).toString('hex'), name: r.string(), partitions: r.uint() }))
  const members = reader.list(r => ({
    id: r.string(),
    rackId: r.string() || undefined,
    clientId: r.string(),
    clientHost: r.string(),
    subscription: r.list(s => s.string()),
    assignment: r.list(s => ({ topicId: topicAt(topics, s.uint()), partitions: s.list(p => p.uint()) })),
  }))
  const changedAt = version > 1 ? reader.uint() : 0
  return { coordinator, isDead, epoch, changedAt, topics, members }
}

function topicAt(topics: readonly SubscribedTopic[], place: number): string {
  const topic = topics[place]
  if (!topic) throw new CorruptDataError(`no topic ${place} among ${topics.length}`)
  return topic.id
}
