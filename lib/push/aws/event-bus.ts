/** An event for each record; the record is its detail. */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import type { Target, TargetSpec } from '../index.ts'
import { deliverInBatches } from './in-batches.ts'

type BusSpec = Extract<TargetSpec, { kind: 'eventbridge' }>

export function eventBus({ bus, source, detailType }: BusSpec, client: EventBridgeClient): Target {
  return {
    deliver: (batch, signal) =>
      deliverInBatches(batch, async messages => {
        const entries = messages.map(({ line }) => ({
          EventBusName: bus,
          Source: source,
          DetailType: detailType,
          Detail: detailOf(line, batch.topic),
        }))
        const { Entries: answers = [] } = await client.send(new PutEventsCommand({ Entries: entries }), {
          abortSignal: signal,
        })
        return messages.map((_, index) => {
          const { ErrorCode: code, ErrorMessage: message } = answers[index] ?? {}
          return code === undefined ? undefined : `${code}: ${message ?? ''}`
        })
      }),
  }
}

function detailOf(line: string, topic: string): string {
  return `{"topic":${JSON.stringify(topic)},${line.slice(1)}`
}
