import {
  FindCoordinator,
  IncrementalAlterConfigs,
  JoinGroup,
  ListGroups,
  StreamsGroupDescribe,
  StreamsGroupHeartbeat,
} from '../../../lib/protocol/index.ts'
import { streamsHeartbeat } from '../../support/streams-heartbeat.ts'
import { untilThere } from '../patience.ts'
import { createTopics } from '../requests.ts'
import { everyVersion, goOn, script } from '../script.ts'
import type { Transcript } from '../transcript.ts'

const memberId = 'side-by-side-stream-1'
const resourceTypeGroup = 32

function beat(groupId: string, memberEpoch: number, topics: string[] | null = null, change: object = {}) {
  const processId = memberEpoch === 0 ? 'process' : null
  return { ...streamsHeartbeat({ groupId, memberId, memberEpoch }, topics), processId, ...change }
}

/** Kafka waits for more members before it gives tasks, unless it is told not to. */
async function startsAtOnce(transcript: Transcript, groupId: string): Promise<void> {
  const configs = [{ name: 'streams.initial.rebalance.delay.ms', configOperation: 0, value: '0' }]
  await transcript.prepare(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: resourceTypeGroup, resourceName: groupId, configs }],
    validateOnly: false,
  })
}

/** Joins, and takes its tasks. Not compared. */
async function joined(transcript: Transcript, groupId: string, topic: string): Promise<number> {
  await startsAtOnce(transcript, groupId)
  let epoch = 0
  return untilThere(`a member of ${groupId}`, async () => {
    const request = beat(groupId, epoch, epoch === 0 ? [topic] : null)
    const answer = await transcript.prepare(StreamsGroupHeartbeat, 1, request)
    if (answer.errorCode !== 0) {
      await transcript.prepare(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
      return undefined
    }
    epoch = answer.memberEpoch
    return answer.activeTasks === null || answer.activeTasks.length === 0 ? undefined : epoch
  })
}

export const streamsGroupScripts = [
  script('streams groups: heartbeats that are refused', async transcript => {
    const ask = (body: ReturnType<typeof beat>) => everyVersion(transcript, StreamsGroupHeartbeat, () => body)
    await createTopics(transcript, { name: 'streamed' })
    await joined(transcript, 'first-of-streams', 'streamed')
    await startsAtOnce(transcript, 'streams-refused')
    await ask(beat('', 0, ['streamed']))
    await ask(beat('streams-refused', 0, ['streamed'], { memberId: '' }))
    await ask(beat('streams-refused', 0, null))
    await ask(beat('streams-refused', 0, ['streamed'], { rebalanceTimeoutMs: -1 }))
    await ask(beat('streams-refused', 0, ['streamed'], { activeTasks: null }))
    await ask(beat('streams-refused', 0, ['streamed'], { activeTasks: [{ subtopologyId: '0', partitions: [0] }] }))
    await ask(beat('streams-refused', 0, ['streamed'], { processId: null }))
    await ask(beat('streams-refused', 0, ['streamed'], { instanceId: '' }))
    await ask(beat('streams-refused', 5))
    await ask(beat('streams-refused', -1))
    await ask(beat('streams-refused', -3))
    await ask(beat('streams-refused', 5, ['streamed']))
  }),
  script('streams groups: a member', async transcript => {
    await createTopics(transcript, { name: 'tasked', partitions: 2 })
    const groupId = 'streams'
    const epoch = await joined(transcript, groupId, 'tasked')
    const owned = [{ subtopologyId: '0', partitions: [0, 1] }]
    const has = { activeTasks: owned, standbyTasks: [], warmupTasks: [] }
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, epoch, null, has))
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, epoch))
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, epoch + 5)).catch(goOn)
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, epoch, null, { memberId: 'stranger' })).catch(goOn)
    await everyVersion(transcript, StreamsGroupDescribe, () => ({
      groupIds: [groupId, 'no-streams', ''],
      includeAuthorizedOperations: false,
    }))
    await transcript.ask(ListGroups, 5, { typesFilter: ['streams'], statesFilter: ['Stable'] })
    await transcript
      .ask(JoinGroup, 5, {
        groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        groupInstanceId: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      })
      .catch(goOn)
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, -1))
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, epoch)).catch(goOn)
    await transcript.ask(StreamsGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
  }),
  script('streams groups: a source topic that is missing', async transcript => {
    const groupId = 'waiting'
    await startsAtOnce(transcript, groupId)
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, 0, ['not-there']))
    await transcript.ask(StreamsGroupHeartbeat, 1, beat(groupId, -1))
  }),
]
