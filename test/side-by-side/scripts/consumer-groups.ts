import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  DeleteGroups,
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { createTopics } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

const memberId = 'side-by-side-member-1'

function beat(groupId: string, memberEpoch: number, topics: string[] | null = null, change: Partial<Member> = {}) {
  return {
    groupId,
    memberId,
    memberEpoch,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: memberEpoch === 0 ? 30_000 : -1,
    subscribedTopicNames: topics,
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: memberEpoch === 0 ? [] : null,
    ...change,
  }
}

interface Member {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly topicPartitions: { topicId: string; partitions: number[] }[] | null
}

/** Joins, and takes what is assigned. Not compared. */
async function joined(transcript: Transcript, groupId: string, topic: string): Promise<number> {
  let epoch = 0
  return untilThere(`a member of ${groupId}`, async () => {
    const request = beat(groupId, epoch, epoch === 0 ? [topic] : null)
    const answer = await transcript.prepare(ConsumerGroupHeartbeat, 1, request)
    if (answer.errorCode !== 0) return undefined
    epoch = answer.memberEpoch
    return answer.assignment === null ? undefined : epoch
  })
}

export const consumerGroupScripts = [
  script('consumer groups: heartbeats that are refused', async transcript => {
    const ask = (body: ReturnType<typeof beat>) => everyVersion(transcript, ConsumerGroupHeartbeat, () => body)
    await createTopics(transcript, { name: 'beaten' })
    await joined(transcript, 'first-of-consumers', 'beaten')
    await ask(beat('', 0, ['beaten']))
    await ask(beat('refused', 0, null))
    await ask(beat('refused', 0, []))
    await ask(beat('refused', 0, ['beaten'], { rebalanceTimeoutMs: -1 }))
    await ask(beat('refused', 0, ['beaten'], { topicPartitions: null }))
    await ask(beat('refused', 0, ['beaten'], { serverAssignor: 'nope' }))
    await ask(beat('refused', 0, ['beaten'], { instanceId: '' }))
    await ask(beat('refused', 5))
    await ask(beat('refused', -1))
    await ask(beat('refused', -2))
    await ask(beat('refused', -3))
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat('refused', 0, ['beaten'], { memberId: '' })).catch(goOn)
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat('refused', 0, null, { subscribedTopicRegex: '[' })).catch(goOn)
  }),
  script('consumer groups: a member', async transcript => {
    const [topicId] = await createTopics(transcript, { name: 'owned', partitions: 2 })
    const groupId = 'consumers'
    const epoch = await joined(transcript, groupId, 'owned')
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat(groupId, epoch))
    const owned = [{ topicId: topicId!, partitions: [0, 1] }]
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat(groupId, epoch, null, { topicPartitions: owned }))
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat(groupId, epoch + 5)).catch(goOn)
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat(groupId, epoch, null, { memberId: 'stranger' })).catch(goOn)
    await everyVersion(transcript, ConsumerGroupDescribe, () => ({
      groupIds: [groupId, 'nope', ''],
      includeAuthorizedOperations: false,
    }))
    await transcript.ask(ConsumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: true })
    await transcript.ask(ConsumerGroupDescribe, 1, { groupIds: [], includeAuthorizedOperations: false })
    await transcript.ask(ConsumerGroupDescribe, 1, { groupIds: [groupId, groupId], includeAuthorizedOperations: false })
    await everyVersion(transcript, DescribeGroups, () => ({ groups: [groupId] }))
    await transcript.ask(ListGroups, 5, { typesFilter: ['consumer'] })
    await transcript.ask(ListGroups, 5, { typesFilter: ['Consumer'], statesFilter: ['Stable'] })
    const partitions = [{ partitionIndex: 0, committedOffset: 3, committedMetadata: 'm' }]
    const commit = (generationIdOrMemberEpoch: number, name = memberId) => ({
      groupId,
      generationIdOrMemberEpoch,
      memberId: name,
      topics: [{ name: 'owned', partitions }],
    })
    for (const version of [8, 9]) {
      await transcript.ask(OffsetCommit, version, commit(epoch)).catch(goOn)
      await transcript.ask(OffsetCommit, version, commit(epoch + 5)).catch(goOn)
      await transcript.ask(OffsetCommit, version, commit(epoch - 1)).catch(goOn)
      await transcript.ask(OffsetCommit, version, commit(epoch, 'stranger')).catch(goOn)
      await transcript.ask(OffsetCommit, version, commit(-1, '')).catch(goOn)
    }
    const fetch = (memberEpoch: number, name: string | null) => ({
      groups: [{ groupId, memberId: name, memberEpoch, topics: [{ name: 'owned', partitionIndexes: [0] }] }],
    })
    await transcript.ask(OffsetFetch, 9, fetch(epoch, memberId))
    await transcript.ask(OffsetFetch, 9, fetch(epoch + 5, memberId))
    await transcript.ask(OffsetFetch, 9, fetch(epoch - 1, memberId))
    await transcript.ask(OffsetFetch, 9, fetch(epoch, 'stranger'))
    await transcript.ask(OffsetFetch, 9, fetch(-1, null))
    await transcript.ask(DeleteGroups, 2, { groupsNames: [groupId] })
    await transcript.ask(Heartbeat, 4, { groupId, generationId: epoch, memberId })
    await transcript
      .ask(JoinGroup, 5, {
        groupId,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 30_000,
        memberId: '',
        protocolType: 'connect',
        protocols: [{ name: 'x', metadata: Buffer.alloc(0) }],
      })
      .catch(goOn)
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat(groupId, -1))
    await transcript.ask(ConsumerGroupHeartbeat, 1, beat(groupId, -1)).catch(goOn)
    await transcript.ask(ConsumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
    await transcript.ask(DeleteGroups, 2, { groupsNames: [groupId] })
    await transcript.ask(ConsumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
  }),
]
