/** The tasks of a streams group's member (KIP-1071), as its heartbeats tell them, and what of it only one can have. */
import { type Assignment, assignmentOf, type Groups, type StreamsHeartbeat } from '../../../lib/groups/index.ts'

/** The one that there is; its tasks are the partitions of its topic. */
const SUBTOPOLOGY = '0'
const CHANGELOG = 'streams-group-store-changelog'

export interface TasksHeld {
  readonly active: readonly number[]
  readonly standby: readonly number[]
}

export const NOTHING_HELD: TasksHeld = { active: [], standby: [] }

/** A task is active at one member; in any role, one member of a process (undefined: no streams) has its state. */
export function heldOf({ active, standby }: TasksHeld, process: string | undefined): string[] {
  const states = process === undefined ? [] : [...new Set([...active, ...standby])]
  return [...active.map(String), ...states.map(partition => `the state of ${partition} at ${process}`)]
}

export function describeTasks({ active, standby }: TasksHeld): string {
  return standby.length === 0 ? String(active) : `${active}, standbys of ${standby}`
}

interface StreamsBeat
  extends Pick<
    StreamsHeartbeat,
    | 'groupId'
    | 'memberId'
    | 'clientId'
    | 'clientHost'
    | 'rackId'
    | 'epoch'
    | 'instanceId'
    | 'rebalanceTimeoutMs'
    | 'processId'
  > {
  readonly owned: TasksHeld | undefined
}

interface StreamsTold {
  readonly memberId: string
  readonly epoch: number
  readonly tasks: TasksHeld | undefined
}

/** `isStateful`: there is a changelog, so that its tasks may have standbys. */
export function asStreams(
  { owned, ...beat }: StreamsBeat,
  { topic, isStateful }: { readonly topic: string; readonly isStateful: boolean },
): (groups: Groups) => Promise<StreamsTold> {
  const changelog = { name: CHANGELOG, partitions: 0, replicationFactor: 1, configs: [] }
  const subtopology = {
    ...{ id: SUBTOPOLOGY, sourceTopics: [topic], sourceRegexes: [], changelogTopics: isStateful ? [changelog] : [] },
    ...{ repartitionSinkTopics: [], repartitionSourceTopics: [], copartitionGroups: [] },
  }
  return async groups => {
    const { memberId, epoch, tasks } = await groups.streamsHeartbeat({
      ...beat,
      endpointEpoch: 0,
      topology: beat.epoch === 0 ? { epoch: 0, subtopologies: [subtopology] } : undefined,
      owned: owned && {
        active: assigned(owned.active),
        standby: assigned(owned.standby),
        warmup: assigned([]),
      },
      endpoint: undefined,
      tags: undefined,
      shutsDown: false,
    })
    return { memberId, epoch, tasks: tasks && { active: tasksIn(tasks.active), standby: tasksIn(tasks.standby) } }
  }
}

function assigned(partitions: readonly number[]): Assignment {
  return assignmentOf(partitions.length > 0 ? [[SUBTOPOLOGY, partitions]] : [])
}

function tasksIn(tasks: Assignment): readonly number[] {
  return tasks.get(SUBTOPOLOGY) ?? []
}
