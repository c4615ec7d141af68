/** A message for each record. In a FIFO queue a partition is a message group, and a repeated record is dropped by its offset. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { Clock } from '../../base/index.ts'
import type { Target } from '../index.ts'
import { deliverInBatches } from './in-batches.ts'

export function queue(queueUrl: string, client: SQSClient, clock: Clock): Target {
  const isFifo = queueUrl.endsWith('.fifo')
  return {
    deliver: (batch, signal) => {
      const place = `${batch.topic}-${batch.partition}`
      return deliverInBatches(batch, {
        clock,
        signal,
        send: async (messages, abortSignal) => {
          const entries = messages.map(({ offset, line }, index) => ({
            Id: String(index),
            MessageBody: line,
            MessageAttributes: {
              topic: { DataType: 'String', StringValue: batch.topic },
              partition: { DataType: 'Number', StringValue: String(batch.partition) },
              offset: { DataType: 'Number', StringValue: String(offset) },
            },
            ...(isFifo ? { MessageGroupId: place, MessageDeduplicationId: `${place}-${offset}` } : {}),
          }))
          const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries })
          const { Failed: refused = [] } = await client.send(command, { abortSignal })
          const reasons = new Map(refused.map(({ Id, Code, Message }) => [Id, `${Code}: ${Message ?? ''}`]))
          return messages.map((_, index) => reasons.get(String(index)))
        },
      })
    },
  }
}
