/** A message for each record. In a FIFO queue a partition is a message group, and a repeated record is dropped by its offset. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { Target } from '../index.ts'
import { deliverInBatches } from './in-batches.ts'

export function queue(queueUrl: string, client: SQSClient): Target {
  const isFifo = queueUrl.endsWith('.fifo')
  return {
    deliver: (batch, signal) =>
      deliverInBatches(batch, async messages => {
        const place = `${batch.topic}-${batch.partition}`
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
        const { Failed: refused = [] } = await client.send(command, { abortSignal: signal })
        const reasons = new Map(refused.map(({ Id, Code, Message }) => [Id, `${Code}: ${Message ?? ''}`]))
        return messages.map((_, index) => reasons.get(String(index)))
      }),
  }
}
