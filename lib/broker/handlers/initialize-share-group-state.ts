/**
 * InitializeShareGroupState, version 0 (KIP-932): begins the state of share partitions; brokers send it to each other. Gateways keep this state in
 * the store and ask each other nothing, so everybody is refused, as by a Kafka that lets only brokers in.
 *
 * Departures from Apache Kafka: everybody is refused with CLUSTER_AUTHORIZATION_FAILED.
 */
import { InitializeShareGroupState } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { refusedBetweenBrokers } from '../share-state-refusal.ts'

export const initializeShareGroupState = handler(InitializeShareGroupState, {
  handle: ({ topics }) => ({
    results: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => ({ partition, ...refusedBetweenBrokers })),
    })),
  }),
})
