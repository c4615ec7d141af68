/** Stacks to look at, synthesized without an account. */
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AttributeType, type ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events'
import { Stream } from 'aws-cdk-lib/aws-kinesis'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3'
import { CfnTableBucket } from 'aws-cdk-lib/aws-s3tables'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { Gateway, VarveLog, type VarveLogProps } from '../../infra/index.ts'

export interface Synthesized {
  readonly app: App
  readonly stack: Stack
  readonly log: VarveLog
}

export function logStack(props: VarveLogProps = {}): Synthesized {
  const app = new App()
  const stack = new Stack(app, 'Varve')
  return { app, stack, log: new VarveLog(stack, 'Log', props) }
}

/** A log with a topic, every kind of source, and gateways. */
export function wholeStack(): Synthesized {
  const app = new App()
  const stack = new Stack(app, 'Varve')
  const log = new VarveLog(stack, 'Log', { alarmTopic: new Topic(stack, 'Alarms') })
  const topic = log.addTopic('Orders', { topicName: 'orders', partitions: 3, removalPolicy: RemovalPolicy.DESTROY })
  const partitionKey = { name: 'id', type: AttributeType.STRING }
  const table = new Table(stack, 'Changes', { partitionKey, stream: StreamViewType.NEW_AND_OLD_IMAGES }) as ITable
  log.addIngest('FromQueue', { from: { queue: new Queue(stack, 'Queue') }, topic })
  log.addIngest('FromFifo', { from: { queue: new Queue(stack, 'Fifo', { fifo: true }) }, topic })
  log.addIngest('FromStream', { from: { stream: new Stream(stack, 'Stream') }, topic })
  log.addIngest('FromTable', { from: { table }, topic, batchingWindow: Duration.seconds(5) })
  log.addIngest('FromSns', { from: { snsTopic: new Topic(stack, 'Sns') }, topic: 'news' })
  log.addIngest('FromBucket', { from: { bucket: new Bucket(stack, 'Uploads') as IBucket }, topic: 'uploads' })
  const bus = new EventBus(stack, 'Bus') as IEventBus
  log.addIngest('FromBus', { from: { bus, pattern: { source: ['shop'] } }, topic: 'events' })
  const code = Code.fromInline('exports.handler = async () => {}')
  const receiver = new LambdaFunction(stack, 'Receiver', {
    code,
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  })
  const dead = log.addTopic('Dead', { topicName: 'dead' })
  log.addSubscription('ToFunction', { topic, to: { function: receiver }, attempts: 5, deadLetterTopic: dead })
  log.addSubscription('ToQueue', { topic, to: { queue: new Queue(stack, 'Orders') } })
  log.addSubscription('ToBus', { topic, to: { bus }, patterns: [{ value: { total: [{ numeric: ['>', 100] }] } }] })
  log.addSubscription('ToUrl', { topic: 'news', to: { url: 'https://example.com' }, batchSize: 10 })
  new Gateway(stack, 'Gateway', { log })
  return { app, stack, log }
}

/** A log with gateways whose archives are tables of an S3 table bucket. */
export function tablesStack(): Synthesized {
  const app = new App()
  const stack = new Stack(app, 'Varve')
  const { attrTableBucketArn } = new CfnTableBucket(stack, 'Tables', { tableBucketName: 'lake' })
  const log = new VarveLog(stack, 'Log', { archiveTables: { tableBucketArn: attrTableBucketArn, namespace: 'logs' } })
  new Gateway(stack, 'Gateway', { log })
  return { app, stack, log }
}

export function encryptedStack(): Synthesized {
  const app = new App()
  const stack = new Stack(app, 'Varve')
  const encryptionKey = new Key(stack, 'Key', { enableKeyRotation: true })
  const log = new VarveLog(stack, 'Log', { encryptionKey, push: true })
  log.addIngest('FromStream', { from: { stream: new Stream(stack, 'Stream') }, topic: 'orders' })
  return { app, stack, log }
}

export interface Resource {
  readonly Type: string
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
  // biome-ignore lint/suspicious/noExplicitAny: templates have no types
  readonly Properties: any
}

export function resourcesOf({ stack }: Synthesized): ReadonlyMap<string, Resource> {
  return new Map(Object.entries(Template.fromStack(stack).toJSON().Resources as Record<string, Resource>))
}
