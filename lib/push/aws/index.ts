import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SQSClient } from '@aws-sdk/client-sqs'
import type { Clock } from '../../base/index.ts'
import type { Target, TargetSpec } from '../index.ts'
import { eventBus } from './event-bus.ts'
import { lambdaFunction } from './lambda-function.ts'
import { queue } from './queue.ts'

export type AwsTargetSpec = Exclude<TargetSpec, { kind: 'webhook' }>

/** Targets in the account whose credentials this process finds in its environment. The clients are made when first needed. */
export function createAwsTargets(clock: Clock): (spec: AwsTargetSpec) => Target {
  let lambda: LambdaClient | undefined
  let sqs: SQSClient | undefined
  let events: EventBridgeClient | undefined
  return spec => {
    switch (spec.kind) {
      case 'function':
        lambda ??= new LambdaClient()
        return lambdaFunction(spec.name, lambda, clock)
      case 'sqs':
        // The URL's host may be a name that only AWS resolves; its path says which queue.
        sqs ??= new SQSClient({ useQueueUrlAsEndpoint: false })
        return queue(spec.queueUrl, sqs, clock)
      case 'eventbridge':
        events ??= new EventBridgeClient()
        return eventBus(spec, events, clock)
    }
  }
}
