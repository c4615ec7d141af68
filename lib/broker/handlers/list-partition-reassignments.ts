/**
 * ListPartitionReassignments, version 0 (KIP-455): none is ever under way.
 *
 * Departures from Apache Kafka: none known.
 */
import { ListPartitionReassignments } from '../../protocol/index.ts'
import { handler } from '../handler.ts'

export const listPartitionReassignments = handler(ListPartitionReassignments, {
  handle: () => ({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: [] }),
})
