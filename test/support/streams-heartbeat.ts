/** The body of a StreamsGroupHeartbeat: with topics one whose topology reads them; in epoch 0 it says all, later what must be said. */
export function streamsHeartbeat(
  member: { readonly groupId: string; readonly memberId: string; readonly memberEpoch: number },
  sourceTopics: readonly string[] | null,
) {
  const joins = member.memberEpoch === 0
  const subtopology = {
    subtopologyId: '0',
    sourceTopicRegex: [],
    stateChangelogTopics: [],
    repartitionSinkTopics: [],
    repartitionSourceTopics: [],
    copartitionGroups: [],
  }
  return {
    ...member,
    endpointInformationEpoch: -1,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: joins ? 30_000 : -1,
    topology: sourceTopics && { epoch: 0, subtopologies: [{ ...subtopology, sourceTopics: [...sourceTopics] }] },
    activeTasks: joins ? [] : null,
    standbyTasks: joins ? [] : null,
    warmupTasks: joins ? [] : null,
    processId: null,
    userEndpoint: null,
    clientTags: joins ? [] : null,
    taskOffsets: null,
    taskEndOffsets: null,
    shutdownApplication: false,
  }
}
