import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { createTopics } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

const protocols = [{ name: 'range', metadata: Buffer.from('00010000000100016100000000', 'hex') }]
const join = (groupId: string, memberId = '') => ({
  groupId,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId,
  protocolType: 'consumer',
  protocols,
})

/** A group with one member in it; not compared. */
async function joined(transcript: Transcript, groupId: string): Promise<{ memberId: string; generationId: number }> {
  return untilThere(`a member of ${groupId}`, async () => {
    const first = await transcript.prepare(JoinGroup, 5, join(groupId))
    if (first.errorCode !== 0 && first.errorCode !== 79) return undefined
    const { memberId, generationId } =
      first.errorCode === 79 ? await transcript.prepare(JoinGroup, 5, join(groupId, first.memberId)) : first
    const assignments = [{ memberId, assignment: Buffer.from('0000', 'hex') }]
    await transcript.prepare(SyncGroup, 5, {
      groupId,
      generationId,
      memberId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments,
    })
    return { memberId, generationId }
  })
}

/** A group's coordinator may not be there at first. */
async function awaitCoordinator(transcript: Transcript): Promise<void> {
  await untilThere('a coordinator', async () => {
    const { errorCode } = await transcript.prepare(Heartbeat, 4, { groupId: 'nobody', generationId: 1, memberId: 'x' })
    if (errorCode === 25) return true
    await transcript.prepare(FindCoordinator, 3, { key: 'nobody', keyType: 0 })
    return undefined
  })
}

interface Committed {
  readonly groupId: string
  readonly topic?: string
  readonly topicId?: string
  readonly partition?: number
  readonly offset?: number
  readonly metadata?: string | null
  readonly generation?: number
  readonly memberId?: string
}

function commit(options: Committed) {
  const { groupId, topic = 'committed', topicId, partition = 0, offset = 5 } = options
  const partitions = [
    {
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: options.metadata === undefined ? 'metadata' : options.metadata,
    },
  ]
  return {
    groupId,
    generationIdOrMemberEpoch: options.generation ?? -1,
    memberId: options.memberId ?? '',
    topics: [topicId === undefined ? { name: topic, partitions } : { name: topic, topicId, partitions }],
  }
}

const unknownId = 'abcdefabcdefabcdefabcdefabcdefab'

export const groupScripts = [
  script('FindCoordinator', async transcript => {
    await awaitCoordinator(transcript)
    const ask = (version: number, key: string, keyType = 0) =>
      version < 4 ? { key, keyType } : { keyType, coordinatorKeys: [key] }
    await everyVersion(transcript, FindCoordinator, version => ask(version, 'g'))
    await everyVersion(transcript, FindCoordinator, version => ask(version, ''))
    await everyVersion(transcript, FindCoordinator, version => ask(version, 'g', version === 0 ? 0 : 9))
    for (const version of [4, 6]) await transcript.ask(FindCoordinator, version, { keyType: 0, coordinatorKeys: [] })
    await transcript.ask(FindCoordinator, 6, { keyType: 0, coordinatorKeys: ['a', 'b', 'a'] })
  }),
  script('groups that are not there', async transcript => {
    await awaitCoordinator(transcript)
    await everyVersion(transcript, Heartbeat, () => ({ groupId: 'missing', generationId: 1, memberId: 'x' }))
    await everyVersion(transcript, Heartbeat, () => ({ groupId: '', generationId: 1, memberId: 'x' }))
    await everyVersion(transcript, SyncGroup, () => ({
      groupId: 'missing',
      generationId: 1,
      memberId: 'x',
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
    }))
    await everyVersion(transcript, LeaveGroup, version =>
      version < 3
        ? { groupId: 'missing', memberId: 'x' }
        : { groupId: 'missing', members: [{ memberId: 'x', groupInstanceId: null }] },
    )
    await everyVersion(transcript, DescribeGroups, () => ({ groups: ['missing', ''] }))
    await everyVersion(transcript, DescribeGroups, () => ({ groups: [] }))
    await everyVersion(transcript, DeleteGroups, () => ({ groupsNames: ['missing', ''] }))
    await everyVersion(transcript, DeleteGroups, () => ({ groupsNames: [] }))
    await transcript.ask(OffsetDelete, 0, {
      groupId: 'missing',
      topics: [{ name: 'x', partitions: [{ partitionIndex: 0 }] }],
    })
    await everyVersion(transcript, JoinGroup, version => join('missing', version === 0 ? 'x' : 'y'))
    await everyVersion(transcript, JoinGroup, () => join(''))
    await everyVersion(transcript, JoinGroup, () => ({ ...join('missing'), sessionTimeoutMs: 1 }))
    await everyVersion(transcript, JoinGroup, () => ({ ...join('missing'), protocols: [] }))
    await everyVersion(transcript, JoinGroup, () => ({ ...join('missing'), protocolType: '' }))
  }),
  script('a member of a group', async transcript => {
    await awaitCoordinator(transcript)
    for (const version of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      const groupId = `member-${version}`
      const first = await transcript.ask(JoinGroup, version, join(groupId)).catch(goOn)
      if (first?.errorCode !== 79) continue
      await transcript.ask(JoinGroup, version, join(groupId, first.memberId))
    }
    const { memberId, generationId } = await joined(transcript, 'members')
    const member = { groupId: 'members', generationId, memberId }
    await everyVersion(transcript, Heartbeat, () => member)
    await everyVersion(transcript, Heartbeat, () => ({ ...member, generationId: 99 }))
    await everyVersion(transcript, Heartbeat, () => ({ ...member, memberId: 'stranger' }))
    const sync = { ...member, protocolType: 'consumer', protocolName: 'range', assignments: [] }
    await everyVersion(transcript, SyncGroup, () => sync)
    await everyVersion(transcript, SyncGroup, () => ({ ...sync, generationId: 99 }))
    await everyVersion(transcript, SyncGroup, () => ({ ...sync, protocolName: 'nope' }))
    await everyVersion(transcript, DescribeGroups, () => ({ groups: ['members'] }))
    await transcript.ask(DescribeGroups, 5, { groups: ['members'], includeAuthorizedOperations: true })
    await everyVersion(transcript, DeleteGroups, () => ({ groupsNames: ['members'] }))
    await everyVersion(transcript, JoinGroup, () => ({
      ...join('members'),
      protocols: [{ name: 'nope', metadata: Buffer.alloc(0) }],
    }))
    await everyVersion(transcript, JoinGroup, () => ({ ...join('members'), protocolType: 'connect' }))
    await everyVersion(transcript, LeaveGroup, version =>
      version < 3
        ? { groupId: 'members', memberId: 'stranger' }
        : { groupId: 'members', members: [{ memberId: 'stranger', groupInstanceId: null }] },
    )
    await transcript.ask(LeaveGroup, 5, { groupId: 'members', members: [{ memberId, groupInstanceId: null }] })
    await transcript.ask(Heartbeat, 4, member)
    await everyVersion(transcript, DescribeGroups, () => ({ groups: ['members'] }))
    await transcript.ask(DeleteGroups, 2, { groupsNames: ['members'] })
    await transcript.ask(DescribeGroups, 6, { groups: ['members'] })
  }),
  script('committed offsets', async transcript => {
    await awaitCoordinator(transcript)
    const [id] = await createTopics(transcript, { name: 'committed', partitions: 2 })
    const { memberId, generationId } = await joined(transcript, 'with-members')
    const at = (version: number) => (version >= 10 ? { topicId: id! } : {})
    const every = (options: (version: number) => Committed) =>
      everyVersion(transcript, OffsetCommit, version => commit({ ...at(version), ...options(version) }))
    await every(() => ({ groupId: 'plain-group' }))
    await every(() => ({ groupId: 'plain-group', partition: 9 }))
    await every(version => ({
      groupId: 'plain-group',
      topic: 'nope',
      ...(version >= 10 ? { topicId: unknownId } : {}),
    }))
    await every(() => ({ groupId: 'plain-group', metadata: 'x'.repeat(5_000) }))
    await every(() => ({ groupId: 'plain-group', metadata: null, partition: 1 }))
    await every(() => ({ groupId: 'plain-group', generation: 3, memberId: 'x' }))
    await every(() => ({ groupId: 'unheard-of', generation: 3, memberId: 'x' }))
    await every(() => ({ groupId: 'with-members', generation: generationId, memberId }))
    await every(() => ({ groupId: 'with-members', generation: 99, memberId }))
    await every(() => ({ groupId: 'with-members', generation: generationId, memberId: 'stranger' }))
    await every(() => ({ groupId: 'with-members' }))
    const fetch = (version: number, groupId: string, partitionIndexes: number[], all = false) => {
      const topics = all ? null : [{ name: 'committed', ...at(version), partitionIndexes }]
      return version < 8 ? { groupId, topics } : { groups: [{ groupId, topics }] }
    }
    await everyVersion(transcript, OffsetFetch, version => fetch(version, 'plain-group', [0, 1, 9]))
    await everyVersion(transcript, OffsetFetch, version => fetch(version, 'plain-group', [], version > 1))
    await everyVersion(transcript, OffsetFetch, version => fetch(version, 'unheard-of', [0]))
    await everyVersion(transcript, OffsetFetch, version => fetch(version, '', [0]))
    await transcript.ask(OffsetFetch, 7, { ...fetch(7, 'plain-group', [0]), requireStable: true })
    const asMember = (memberEpoch: number, name: string | null) => ({
      groups: [{ groupId: 'with-members', memberId: name, memberEpoch, topics: null }],
    })
    await transcript.ask(OffsetFetch, 9, asMember(generationId, memberId))
    await transcript.ask(OffsetFetch, 9, asMember(99, memberId))
    await transcript.ask(OffsetFetch, 9, asMember(generationId, 'stranger'))
    await transcript.ask(OffsetFetch, 10, {
      groups: [{ groupId: 'plain-group', topics: [{ topicId: unknownId, partitionIndexes: [0] }] }],
    })
    await everyVersion(transcript, ListGroups, version => (version >= 5 ? { typesFilter: ['classic'] } : {}))
    for (const version of [4, 5]) {
      await transcript.ask(ListGroups, version, { statesFilter: ['Stable'] })
      await transcript.ask(ListGroups, version, { statesFilter: ['stable'] })
      await transcript.ask(ListGroups, version, { statesFilter: ['nope'] })
    }
    await transcript.ask(ListGroups, 5, { typesFilter: ['nope'] })
    await transcript.ask(ListGroups, 5, { typesFilter: ['consumer'] })
    const deletion = (groupId: string, name: string, partitionIndex: number) => ({
      groupId,
      topics: [{ name, partitions: [{ partitionIndex }] }],
    })
    await transcript.ask(OffsetDelete, 0, deletion('plain-group', 'committed', 9))
    await transcript.ask(OffsetDelete, 0, deletion('plain-group', 'nope', 0))
    await transcript.ask(OffsetDelete, 0, deletion('plain-group', 'committed', 0))
    await transcript.ask(OffsetDelete, 0, deletion('plain-group', 'committed', 0))
    await transcript.ask(OffsetDelete, 0, { groupId: 'plain-group', topics: [] })
    await transcript.ask(OffsetFetch, 7, fetch(7, 'plain-group', [0, 1]))
    await transcript.ask(DeleteGroups, 2, { groupsNames: ['plain-group', 'plain-group'] })
    await transcript.ask(OffsetFetch, 7, fetch(7, 'plain-group', [0, 1]))
  }),
]
