/** A push subscription that exists with the stack, and the rights to deliver to its target. */
import { CustomResource, type Duration } from 'aws-cdk-lib'
import type { IEventBus } from 'aws-cdk-lib/aws-events'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { VarveTopic } from './topic.ts'
import { allow } from './varve-function.ts'

export type SubscriptionTarget =
  | { readonly function: IFunction }
  /** Signed as Standard Webhooks has it; `POST /v1/subscriptions/NAME/secret` draws and tells the secret. */
  | { readonly url: string }
  | { readonly queue: IQueue }
  | {
      readonly bus: IEventBus
      /** Default: `varve`. */
      readonly source?: string
      /** Default: `varve record`. */
      readonly detailType?: string
    }

export interface VarveSubscriptionProps {
  readonly topic: VarveTopic | string
  readonly to: SubscriptionTarget
  /** 1 to 100 letters, digits, dots, dashes or underscores; one of the log's. Default: the construct's id. */
  readonly subscriptionName?: string
  /** In the syntax of EventBridge's event patterns, over topic, partition, offset, timestamp, key, value, headers. Default: all records. */
  readonly patterns?: readonly Readonly<Record<string, unknown>>[]
  /** Records of a delivery, at most. Default: 100. */
  readonly batchSize?: number
  /** Bytes of a delivery, at most. Default: 1,000,000. */
  readonly batchBytes?: number
  /** How long the first record of a delivery may wait for more. Default: not at all. */
  readonly batchingWindow?: Duration
  /** Attempts with the same records; then half of them, and a single one is given up. Default: try for ever. */
  readonly attempts?: number
  /** Where a record goes that was given up. Needs `attempts`. */
  readonly deadLetterTopic?: VarveTopic | string
  /** Where it begins, when it is made; a time in ISO 8601. Default: what comes after that. */
  readonly from?: 'earliest' | 'latest' | string
}

export class VarveSubscription extends Construct {
  readonly subscriptionName: string

  constructor(
    scope: Construct,
    id: string,
    props: VarveSubscriptionProps & { readonly resources: IFunction; readonly dispatch: IFunction },
  ) {
    super(scope, id)
    const { topic, to, deadLetterTopic, batchingWindow } = props
    this.subscriptionName = props.subscriptionName ?? id
    for (const statement of statementsFor(to)) props.dispatch.addToRolePolicy(statement)
    if ('queue' in to) to.queue.encryptionMasterKey?.grant(props.dispatch, 'kms:Decrypt', 'kms:GenerateDataKey')
    const resource = new CustomResource(this, 'Subscription', {
      resourceType: 'Custom::VarveSubscription',
      serviceToken: props.resources.functionArn,
      properties: {
        Name: this.subscriptionName,
        Topic: nameOf(topic),
        Target: describe(to),
        Patterns: JSON.stringify(props.patterns ?? []),
        From: props.from ?? 'latest',
        ...(props.batchSize === undefined ? {} : { RecordsMax: props.batchSize }),
        ...(props.batchBytes === undefined ? {} : { BytesMax: props.batchBytes }),
        ...(batchingWindow === undefined ? {} : { WindowMs: batchingWindow.toMilliseconds() }),
        ...(props.attempts === undefined ? {} : { AttemptsMax: props.attempts }),
        ...(deadLetterTopic === undefined ? {} : { DeadLetterTopic: nameOf(deadLetterTopic) }),
      },
    })
    for (const needed of [topic, deadLetterTopic]) {
      if (needed !== undefined && typeof needed !== 'string') resource.node.addDependency(needed)
    }
  }
}

function nameOf(topic: VarveTopic | string): string {
  return typeof topic === 'string' ? topic : topic.topicName
}

function describe(to: SubscriptionTarget): Record<string, string> {
  if ('function' in to) return { Kind: 'function', Function: to.function.functionArn }
  if ('url' in to) return { Kind: 'webhook', Url: to.url }
  if ('queue' in to) return { Kind: 'sqs', QueueUrl: to.queue.queueUrl }
  const { bus, source = 'varve', detailType = 'varve record' } = to
  return { Kind: 'eventbridge', Bus: bus.eventBusArn, Source: source, DetailType: detailType }
}

/** What deliveries need, and nothing else. */
function statementsFor(to: SubscriptionTarget): PolicyStatement[] {
  if ('function' in to) return [allow(['lambda:InvokeFunction'], [to.function.functionArn])]
  if ('queue' in to) return [allow(['sqs:SendMessage'], [to.queue.queueArn])]
  if ('bus' in to) return [allow(['events:PutEvents'], [to.bus.eventBusArn])]
  return []
}
