/** An event for each record; the record is its detail. */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import type { Clock } from '../../base/index.ts'
import type { Target, TargetSpec } from '../index.ts'
import { deliverInBatches } from './in-batches.ts'

type BusSpec = Extract<TargetSpec, { kind: 'eventbridge' }>

export function eventBus({ bus, source, detailType }: BusSpec, client: EventBridgeClient, clock: Clock): Target {
  return {
    deliver: (batch, signal) =>
      deliverInBatches(batch, {
        clock,
        signal,
        send: async (messages, abortSignal) => {
          const entries = messages.map(({ line }) => ({
            EventBusName: bus,
            Source: source,
            DetailType: detailType,
            Detail: detailOf(line, batch.topic),
          }))
          const command = new PutEventsCommand({ Entries: entries })
          const { Entries: answers = [] } = await client.send(command, { abortSignal })
          return messages.map((_, index) => {
            const { ErrorCode: code, ErrorMessage: message } = answers[index] ?? {}
            return code === undefined ? undefined : `${code}: ${message ?? ''}`
          })
        },
      }),
  }
}

function detailOf(line: string, topic: string): string {
  return `{"topic":${JSON.stringify(topic)},${line.slice(1)}`
}
