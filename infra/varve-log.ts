/** A log: its bucket, its table, and the functions that serve and tend it. It costs next to nothing while nobody uses it. */
import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { type FunctionUrl, FunctionUrlAuthType, InvokeMode } from 'aws-cdk-lib/aws-lambda'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { Ingest, type IngestProps } from './ingest.ts'
import { ObjectsBucket } from './objects-bucket.ts'
import { VarveTopic, type VarveTopicProps } from './topic.ts'
import { APPEND_TIMEOUT, VarveFunction, type VarveFunctionProps } from './varve-function.ts'
import { Watch } from './watch.ts'

export interface VarveLogProps {
  /** What becomes of bucket and table when the stack is removed. Default: they stay. */
  readonly removalPolicy?: RemovalPolicy
  /** Encrypts bucket and table. Default: keys that AWS owns. */
  readonly encryptionKey?: IKey
  /** Zone id, such as `use1-az4`: segments in S3 Express One Zone, in that zone alone. Default: S3 Standard. */
  readonly expressZone?: string
  /** How long the functions' own logs are kept. Default: a month. */
  readonly logRetention?: RetentionDays
  /** Is told when something needs a person: there are alarms (each costs ten cents a month) where there is a topic. */
  readonly alarmTopic?: ITopic
  /** Between two looks for upkeep; seldom work is looked for more seldom. Default: 5 minutes. */
  readonly upkeepEvery?: Duration
  /** Memory of the HTTP function, in MB. Default: 512. */
  readonly httpMemory?: number
}

export class VarveLog extends Construct {
  readonly bucket: ObjectsBucket
  readonly table: Table
  /** HTTPS, for whoever IAM lets (`grantProduce`, `grantConsume`). */
  readonly url: FunctionUrl
  readonly encryptionKey: IKey | undefined
  readonly #props: VarveLogProps
  readonly #watch: Watch
  #topicFunction: VarveFunction | undefined

  constructor(scope: Construct, id: string, props: VarveLogProps = {}) {
    super(scope, id)
    this.#props = props
    this.encryptionKey = props.encryptionKey
    const { removalPolicy = RemovalPolicy.RETAIN, encryptionKey, upkeepEvery = Duration.minutes(5) } = props
    this.bucket = new ObjectsBucket(this, 'Objects', {
      encryptionKey,
      removalPolicy,
      expressZone: props.expressZone,
    })
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy,
    })
    this.#watch = new Watch(this, 'Watch', { table: this.table, topic: props.alarmTopic })
    const http = this.#addFunction('Http', {
      name: 'http',
      description: 'Varve: produce and consume over HTTPS',
      memorySize: props.httpMemory ?? 512,
      timeout: Duration.minutes(5),
    })
    this.url = http.function.addFunctionUrl({
      authType: FunctionUrlAuthType.AWS_IAM,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    })
    this.#addUpkeep(upkeepEvery)
    new CfnOutput(this, 'Url', { value: this.url.url, description: 'HTTPS, with IAM' })
    new CfnOutput(this, 'TableName', { value: this.table.tableName })
    new CfnOutput(this, 'BucketName', { value: this.bucket.name })
  }

  /** A topic that exists with the stack. Its records stay when it is removed from the stack, unless its removal policy says else. */
  addTopic(id: string, props: VarveTopicProps): VarveTopic {
    this.#topicFunction ??= this.#addFunction('Topics', {
      name: 'topic',
      description: 'Varve: topics of the stack',
      memorySize: 256,
      timeout: Duration.minutes(2),
    })
    return new VarveTopic(this, id, { ...props, function: this.#topicFunction.function })
  }

  /** Messages, records or events of another service become records of a topic, each once. */
  addIngest(id: string, props: IngestProps): Ingest {
    const varveFunction = this.#addFunction(id, {
      name: 'ingest',
      description: `Varve: ingest into ${typeof props.topic === 'string' ? props.topic : props.topic.topicName}`,
      memorySize: props.memory ?? 512,
      timeout: APPEND_TIMEOUT,
      environment: { VARVE_INGEST_TOPIC: typeof props.topic === 'string' ? props.topic : props.topic.topicName },
    })
    const ingest = new Ingest(varveFunction, props, this.#props.encryptionKey)
    if (typeof props.topic !== 'string') varveFunction.node.addDependency(props.topic)
    if (ingest.deadLetters) this.#watch.addDeadLetters(id, ingest.deadLetters)
    return ingest
  }

  /** Lets it call the URL: what it may do there is not told apart from `grantConsume` yet. */
  grantProduce(grantee: IGrantable): Grant {
    return this.url.grantInvokeUrl(grantee)
  }

  /** Lets it call the URL: what it may do there is not told apart from `grantProduce` yet. */
  grantConsume(grantee: IGrantable): Grant {
    return this.url.grantInvokeUrl(grantee)
  }

  #addFunction(
    id: string,
    props: Omit<VarveFunctionProps, 'bucket' | 'table' | 'encryptionKey' | 'logRetention'>,
  ): VarveFunction {
    const made = new VarveFunction(this, id, {
      ...props,
      bucket: this.bucket,
      table: this.table,
      encryptionKey: this.#props.encryptionKey,
      logRetention: this.#props.logRetention ?? RetentionDays.ONE_MONTH,
    })
    this.#watch.addFunction(made)
    return made
  }

  #addUpkeep(every: Duration): void {
    const upkeep = this.#addFunction('Upkeep', {
      name: 'upkeep',
      description: 'Varve: keeps the stores as small as what is in the log',
      memorySize: 1_024,
      timeout: Duration.minutes(10),
      environment: { VARVE_UPKEEP_MINUTES: String(every.toMinutes()) },
    })
    new Rule(this, 'UpkeepSchedule', {
      schedule: Schedule.rate(every),
      targets: [new LambdaTarget(upkeep.function, { retryAttempts: 0 })],
    })
  }
}
