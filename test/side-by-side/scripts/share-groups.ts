import {
  AlterShareGroupOffsets,
  DeleteGroups,
  DeleteShareGroupOffsets,
  DescribeShareGroupOffsets,
  ListGroups,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupDescribe,
  ShareGroupHeartbeat,
} from '../../../lib/protocol/index.ts'
import { untilThere } from '../patience.ts'
import { append, batch, createTopics } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

const memberId = 'QmVzaWRlQmVzaWRlQmVzaQ'

function beat(groupId: string, memberEpoch: number, subscribedTopicNames: string[] | null = null, name = memberId) {
  return { groupId, memberId: name, memberEpoch, rackId: null, subscribedTopicNames }
}

/** Joins, and waits for partitions. Not compared. */
async function joined(transcript: Transcript, groupId: string, topic: string): Promise<number> {
  let epoch = 0
  return untilThere(`a member of ${groupId}`, async () => {
    const request = beat(groupId, epoch, epoch === 0 ? [topic] : null)
    const answer = await transcript.prepare(ShareGroupHeartbeat, 1, request)
    if (answer.errorCode !== 0) return undefined
    epoch = answer.memberEpoch
    return answer.assignment === null || answer.assignment.topicPartitions.length === 0 ? undefined : epoch
  })
}

export const shareGroupScripts = [
  script('share groups: heartbeats that are refused', async transcript => {
    await createTopics(transcript, { name: 'shared-first' })
    await joined(transcript, 'first-of-shares', 'shared-first')
    const ask = (body: ReturnType<typeof beat>) => transcript.ask(ShareGroupHeartbeat, 1, body).catch(goOn)
    await ask(beat('', 0, ['shared-first']))
    await ask(beat('share-refused', 0, null))
    await ask(beat('share-refused', 0, []))
    await ask(beat('share-refused', 0, ['shared-first'], ''))
    await ask(beat('share-refused', 5))
    await ask(beat('share-refused', -1))
    await ask(beat('share-refused', -2))
    await ask(beat('first-of-shares', 99))
    await ask(beat('first-of-shares', 1, null, 'stranger'))
  }),
  script('share groups: a member', async transcript => {
    const [topicId] = await createTopics(transcript, { name: 'shared', partitions: 1 })
    const groupId = 'sharers'
    const epoch = await joined(transcript, groupId, 'shared')
    await transcript.ask(ShareGroupHeartbeat, 1, beat(groupId, epoch))
    await transcript.ask(ShareGroupDescribe, 1, { groupIds: [groupId, 'nope', ''], includeAuthorizedOperations: false })
    await transcript.ask(ShareGroupDescribe, 1, { groupIds: [groupId, groupId], includeAuthorizedOperations: false })
    await transcript.ask(ListGroups, 5, { typesFilter: ['share'] })
    await transcript.ask(DeleteGroups, 2, { groupsNames: [groupId] })
    await everyVersion(transcript, DescribeShareGroupOffsets, () => ({
      groups: [
        { groupId: 'nope', topics: [{ topicName: 'shared', partitions: [0] }] },
        { groupId: 'nope-either', topics: null },
      ],
    }))
    const fetch = (shareSessionEpoch: number, name = memberId, group: string | null = groupId) => ({
      groupId: group,
      memberId: name,
      shareSessionEpoch,
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1_000_000,
      maxRecords: 100,
      batchSize: 100,
      topics:
        shareSessionEpoch === 0
          ? [{ topicId: topicId!, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }]
          : [],
      forgottenTopicsData: [],
    })
    await transcript.ask(ShareFetch, 1, fetch(7)).catch(goOn)
    await transcript.ask(ShareFetch, 1, fetch(0, memberId, 'nobodys')).catch(goOn)
    await transcript.prepare(ShareFetch, 1, fetch(0))
    await append(transcript, { topic: 'shared', records: batch(['a', 'b', 'c']) })
    let session = 1
    await untilThere('records', async () => {
      const { responses } = await transcript.prepare(ShareFetch, 1, fetch(session++))
      const acquired = responses.flatMap(({ partitions }) =>
        partitions.flatMap(({ acquiredRecords }) => acquiredRecords),
      )
      return acquired.length > 0 ? acquired : undefined
    })
    const acknowledge = (type: number, firstOffset: number, lastOffset: number) => ({
      groupId,
      memberId,
      shareSessionEpoch: session++,
      topics: [
        {
          topicId: topicId!,
          partitions: [
            { partitionIndex: 0, acknowledgementBatches: [{ firstOffset, lastOffset, acknowledgeTypes: [type] }] },
          ],
        },
      ],
    })
    await transcript.ask(ShareAcknowledge, 1, acknowledge(1, 0, 0)).catch(goOn)
    await transcript.ask(ShareAcknowledge, 1, acknowledge(1, 0, 0)).catch(goOn)
    await transcript.ask(ShareAcknowledge, 1, acknowledge(3, 1, 1)).catch(goOn)
    await transcript.ask(ShareAcknowledge, 1, acknowledge(9, 2, 2)).catch(goOn)
    await transcript.ask(ShareAcknowledge, 1, acknowledge(1, 50, 60)).catch(goOn)
    await transcript.ask(ShareAcknowledge, 1, { ...acknowledge(1, 2, 2), shareSessionEpoch: 99 }).catch(goOn)
    await transcript.ask(ShareGroupHeartbeat, 1, beat(groupId, -1))
    await transcript.ask(ShareGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
    const alter = (group: string, topicName: string, partitionIndex = 0) => ({
      groupId: group,
      topics: [{ topicName, partitions: [{ partitionIndex, startOffset: 1 }] }],
    })
    await transcript.ask(AlterShareGroupOffsets, 0, alter('nope', 'shared')).catch(goOn)
    await transcript.ask(AlterShareGroupOffsets, 0, alter(groupId, 'nope')).catch(goOn)
    await transcript.ask(AlterShareGroupOffsets, 0, alter(groupId, 'shared', 9)).catch(goOn)
    await transcript.ask(AlterShareGroupOffsets, 0, alter(groupId, 'shared')).catch(goOn)
    await transcript.ask(DescribeShareGroupOffsets, 0, { groups: [{ groupId, topics: null }] })
    await transcript.ask(DeleteShareGroupOffsets, 0, { groupId: 'nope', topics: [{ topicName: 'shared' }] }).catch(goOn)
    await transcript.ask(DeleteShareGroupOffsets, 0, { groupId, topics: [{ topicName: 'nope' }] }).catch(goOn)
    await transcript.ask(DeleteShareGroupOffsets, 0, { groupId, topics: [{ topicName: 'shared' }] }).catch(goOn)
    await transcript.ask(DescribeShareGroupOffsets, 0, { groups: [{ groupId, topics: null }] })
    await transcript.ask(DeleteGroups, 2, { groupsNames: [groupId] })
  }),
]
