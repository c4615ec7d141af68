/**
 * AddOffsetsToTxn, versions 0 to 4: a group whose offsets a transaction will commit, for clients of the first protocol.
 *
 * Departures from Apache Kafka: none known.
 */
import { AddOffsetsToTxn } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { coordinatorCodeOf } from '../transaction-codes.ts'

const versions = { fenced: 2 }

export const addOffsetsToTxn = handler(AddOffsetsToTxn, {
  async handle({ transactionalId, producerId, producerEpoch, groupId }, { transactions, logger, apiVersion }) {
    try {
      await transactions.addGroup({ transactionalId, producerId, producerEpoch, groupId })
      return { throttleTimeMs: 0, errorCode: 0 }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: coordinatorCodeOf(error, apiVersion, versions, logger) }
    }
  },
})
