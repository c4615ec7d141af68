/** From the event sources of AWS into a topic. */
import { Duration, Validations } from 'aws-cdk-lib'
import type { ITable, ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { type EventPattern, type IEventBus, Rule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { type Function as LambdaFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import {
  DynamoEventSource,
  KinesisEventSource,
  SnsEventSource,
  SqsDlq,
  SqsEventSource,
} from 'aws-cdk-lib/aws-lambda-event-sources'
import { EventType, type IBucket } from 'aws-cdk-lib/aws-s3'
import { LambdaDestination } from 'aws-cdk-lib/aws-s3-notifications'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { VarveTopic } from './topic.ts'
import type { VarveFunction } from './varve-function.ts'

export type IngestSource =
  | { readonly queue: IQueue }
  | { readonly stream: IStream }
  /** A table with a stream. */
  | { readonly table: ITable | ITableV2 }
  | { readonly bus: IEventBus; readonly pattern: EventPattern }
  | { readonly snsTopic: ITopic }
  | { readonly bucket: IBucket }

export interface IngestProps {
  readonly from: IngestSource
  readonly topic: VarveTopic | string
  /** Records of one delivery, at most. Default: 1,000; 10 of a FIFO queue. */
  readonly batchSize?: number
  /** How long a delivery may gather: longer is cheaper. Default: 1 s; a FIFO queue does not gather. */
  readonly batchingWindow?: Duration
  /** Deliveries of a queue at once: few large ones are cheaper than many small ones. Default: 2. */
  readonly maxConcurrency?: number
  /** Of the function, in MB. Default: 512. */
  readonly memory?: number
}

/** A record of a stream that cannot be stored is tried so often, in ever smaller company, before it goes to the dead letters. */
const STREAM_ATTEMPTS = 20

export class Ingest {
  readonly function: LambdaFunction
  /** What could not be stored, or where it is; a queue's own dead letters are that queue's to configure. */
  readonly deadLetters: Queue | undefined
  readonly source: VarveFunction

  constructor(varveFunction: VarveFunction, props: IngestProps, encryptionKey: IKey | undefined) {
    this.source = varveFunction
    this.function = varveFunction.function
    this.deadLetters = 'queue' in props.from ? undefined : deadLettersOf(varveFunction, encryptionKey)
    this.#connect(varveFunction, props)
  }

  #connect(scope: VarveFunction, { from, batchSize = 1_000, batchingWindow, maxConcurrency = 2 }: IngestProps): void {
    const maxBatchingWindow = batchingWindow ?? Duration.seconds(1)
    const target = this.function
    if ('queue' in from) {
      const gathering = from.queue.fifo ? { batchSize: Math.min(10, batchSize) } : { batchSize, maxBatchingWindow }
      target.addEventSource(
        new SqsEventSource(from.queue, { ...gathering, maxConcurrency, reportBatchItemFailures: true }),
      )
      return
    }
    const letters = this.deadLetters!
    const ofStream = {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize,
      maxBatchingWindow,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: STREAM_ATTEMPTS,
      onFailure: new SqsDlq(letters),
    }
    if ('stream' in from) target.addEventSource(new KinesisEventSource(from.stream, ofStream))
    else if ('table' in from) {
      target.addEventSource(new DynamoEventSource(from.table as ITable, ofStream))
      Validations.of(scope).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'dynamodb:ListStreams knows no narrower resource.',
      })
    } else if ('snsTopic' in from) {
      target.addEventSource(new SnsEventSource(from.snsTopic, { deadLetterQueue: letters }))
      target.configureAsyncInvoke({ retryAttempts: 2, onFailure: new SqsDestination(letters) })
    } else if ('bucket' in from) {
      from.bucket.addEventNotification(EventType.OBJECT_CREATED, new LambdaDestination(target))
      from.bucket.addEventNotification(EventType.OBJECT_REMOVED, new LambdaDestination(target))
      target.configureAsyncInvoke({ retryAttempts: 2, onFailure: new SqsDestination(letters) })
    } else {
      new Rule(scope, 'Rule', {
        eventBus: from.bus,
        eventPattern: from.pattern,
        targets: [new LambdaTarget(target, { deadLetterQueue: letters })],
      })
      target.configureAsyncInvoke({ retryAttempts: 2, onFailure: new SqsDestination(letters) })
    }
  }
}

function deadLettersOf(scope: VarveFunction, encryptionKey: IKey | undefined): Queue {
  if (encryptionKey) {
    const reason = 'What CDK lets senders to an encrypted queue do with its key.'
    const actions = ['kms:ReEncrypt*', 'kms:GenerateDataKey*']
    Validations.of(scope).acknowledge(
      ...actions.map(action => ({ id: `AwsSolutions-IAM5[Action::${action}]`, reason })),
    )
  }
  const queue = new Queue(scope, 'DeadLetters', {
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'These are the dead letters.' })
  return queue
}
