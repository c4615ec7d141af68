/** A streams group (KIP-1071) as a value, and questions to it. Its epochs and its members' states are those of consumer groups. */
import type { TopicsSeen } from './consumer-group.ts'
import { LEAVING_FOR_A_WHILE_EPOCH, placesIn } from './consumer-group.ts'
import type { StreamsEndpoint } from './contract.ts'
import { NO_TASKS, type StreamsDocument, type StreamsMember } from './streams-document.ts'
import { type ConfiguredTopology, configureTopology, topicsReadBy } from './streams-topology.ts'

export type StreamsGroupState = 'Empty' | 'NotReady' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

export function newStreamsGroup(incarnation: number, wallTime: number): StreamsDocument {
  return {
    kind: 'streams',
    incarnation,
    coordinator: 0,
    state: 'Live',
    stateChangedAt: wallTime,
    epoch: 0,
    topology: undefined,
    topics: new Map(),
    regexes: new Map(),
    endpointEpoch: 0,
    shutsDown: false,
    description: undefined,
    members: new Map(),
  }
}

export function newStreamsMember(id: string): StreamsMember {
  return {
    id,
    instanceId: undefined,
    rackId: undefined,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    topologyEpoch: -1,
    processId: '',
    endpoint: undefined,
    tags: [],
    epoch: 0,
    previousEpoch: 0,
    state: 'stable',
    assigned: NO_TASKS,
    revoking: NO_TASKS,
    target: NO_TASKS,
  }
}

/** The topics as the document has them. */
export function seenBy(group: StreamsDocument): TopicsSeen {
  return { named: name => group.topics.get(name), matching: regex => group.regexes.get(regex) ?? [] }
}

export function configuredOf(group: StreamsDocument): ConfiguredTopology | undefined {
  return group.topology && configureTopology(group.topology, seenBy(group))
}

export function streamsStateOf(group: StreamsDocument): StreamsGroupState {
  if (group.state === 'Dead') return 'Dead'
  if (group.members.size === 0) return 'Empty'
  if (configuredOf(group)?.status !== undefined) return 'NotReady'
  for (const member of group.members.values()) {
    if (member.epoch === LEAVING_FOR_A_WHILE_EPOCH) continue
    if (member.state !== 'stable' || member.epoch !== group.epoch) return 'Reconciling'
  }
  return 'Stable'
}

export function streamsMemberWith(group: StreamsDocument, instanceId: string): StreamsMember | undefined {
  for (const member of group.members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

/** Which partitions of which topics each member's endpoint serves. */
export function endpointsOf(group: StreamsDocument): StreamsEndpoint[] {
  const subtopologies = new Map((configuredOf(group)?.subtopologies ?? []).map(each => [each.id, each]))
  const partitionsOf = (tasks: Iterable<readonly [string, number]>) => {
    const byTopic = new Map<string, number[]>()
    for (const [id, partition] of tasks) {
      const subtopology = subtopologies.get(id)
      for (const topic of subtopology ? topicsReadBy(subtopology) : []) {
        if (partition >= (group.topics.get(topic)?.partitions ?? 0)) continue
        const known = byTopic.get(topic)
        if (known) known.push(partition)
        else byTopic.set(topic, [partition])
      }
    }
    return byTopic
  }
  return [...group.members.values()].flatMap(({ endpoint, assigned }): StreamsEndpoint[] => {
    if (!endpoint) return []
    const standby = [...placesIn(assigned.standby), ...placesIn(assigned.warmup)]
    return [{ ...endpoint, active: partitionsOf(placesIn(assigned.active)), standby: partitionsOf(standby) }]
  })
}

export function readsTopic(group: StreamsDocument, topicName: string): boolean {
  const subtopologies = configuredOf(group)?.subtopologies ?? []
  return group.members.size > 0 && subtopologies.some(each => topicsReadBy(each).includes(topicName))
}
