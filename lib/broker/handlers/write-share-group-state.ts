/**
 * WriteShareGroupState, versions 0 and 1 (KIP-932): writes the state of share partitions; brokers send it to each other. Gateways keep this state in
 * the store and ask each other nothing, so everybody is refused, as by a Kafka that lets only brokers in.
 *
 * Departures from Apache Kafka: everybody is refused with CLUSTER_AUTHORIZATION_FAILED.
 */
import { WriteShareGroupState } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { refusedBetweenBrokers } from '../share-state-refusal.ts'

export const writeShareGroupState = handler(WriteShareGroupState, {
  handle: ({ topics }) => ({
    results: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map(({ partition }) => ({ partition, ...refusedBetweenBrokers })),
    })),
  }),
})
