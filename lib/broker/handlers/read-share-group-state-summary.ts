/**
 * ReadShareGroupStateSummary, versions 0 and 1 (KIP-932): where share partitions stand; brokers send it to each other. Gateways keep this state in
 * the store and ask each other nothing, so everybody is refused, as by a Kafka that lets only brokers in.
 *
 * Departures from Apache Kafka: everybody is refused with CLUSTER_AUTHORIZATION_FAILED.
 */
import { ReadShareGroupStateSummary } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { refusedBetweenBrokers } from '../share-state-refusal.ts'

export const readShareGroupStateSummary = handler(ReadShareGroupStateSummary, {
  handle: ({ topics }) => ({
    results: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partition,
        ...refusedBetweenBrokers,
        stateEpoch: 0,
        leaderEpoch: 0,
        startOffset: 0,
      })),
    })),
  }),
})
