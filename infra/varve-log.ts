/** A log: its bucket, its table, and the functions that serve and tend it. It costs next to nothing while nobody uses it. */
import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { type FunctionUrl, FunctionUrlAuthType, type IFunction, InvokeMode } from 'aws-cdk-lib/aws-lambda'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { type ArchiveTablesProps, acknowledgeTables, archiveStatements, catalogAddress } from './archive-tables.ts'
import { connectDispatch } from './dispatch.ts'
import { Ingest, type IngestProps } from './ingest.ts'
import { ObjectsBucket } from './objects-bucket.ts'
import { VarveSubscription, type VarveSubscriptionProps } from './subscription.ts'
import { VarveTopic, type VarveTopicProps } from './topic.ts'
import { APPEND_TIMEOUT, VarveFunction, type VarveFunctionProps } from './varve-function.ts'
import { Watch } from './watch.ts'

/** An OpenID provider whose tokens open the URL, by the scopes that they name. */
export interface JwtProps {
  readonly issuer: string
  readonly audience: string
  /** Default: as the issuer's configuration says. */
  readonly jwksUri?: string
  /** The claim with the scopes. Default: `scope`. */
  readonly scopeClaim?: string
}

export interface VarveLogProps {
  /**
   * Who may use the URL. `iam` (the default): who is let in by IAM (`grantProduce`, `grantConsume`), and signs its requests (SigV4). `keys`: who
   * shows an API key; a provider's tokens too, where one is given. The first key is made with rights on the table:
   * `varve keys create NAME --scope admin --items 'dynamodb://TABLE?region=REGION'`.
   */
  readonly auth?: 'iam' | 'keys' | { readonly jwt: JwtProps }
  /** What callers may do that show nothing, such as `produce:web-*`. Not with `iam`. Default: nothing. */
  readonly anonymousScopes?: readonly string[]
  /** Whose pages may call the URL from a browser. Not with `iam`, which answers no preflight. Default: none. */
  readonly corsOrigins?: readonly string[]
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
  /** Serves subscriptions that are made over HTTP; `addSubscription` does so by itself. Default: false. */
  readonly push?: boolean
  /** Webhooks may go to private networks, which the functions do not reach unless you put them into yours. Default: false. */
  readonly privateWebhooks?: boolean
  /** New archives are tables of this S3 table bucket. Default: they lie in the log's bucket. */
  readonly archiveTables?: ArchiveTablesProps
}

export class VarveLog extends Construct {
  readonly bucket: ObjectsBucket
  readonly table: Table
  /** HTTPS, for those that `auth` says. */
  readonly url: FunctionUrl
  readonly encryptionKey: IKey | undefined
  readonly archiveTables: ArchiveTablesProps | undefined
  readonly #props: VarveLogProps
  readonly #watch: Watch
  readonly #http: VarveFunction
  #resources: VarveFunction | undefined
  #dispatch: VarveFunction | undefined

  constructor(scope: Construct, id: string, props: VarveLogProps = {}) {
    super(scope, id)
    this.#props = props
    this.encryptionKey = props.encryptionKey
    this.archiveTables = props.archiveTables
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
      stream: StreamViewType.KEYS_ONLY,
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy,
    })
    this.#watch = new Watch(this, 'Watch', { table: this.table, topic: props.alarmTopic })
    this.#http = this.#addFunction('Http', {
      name: 'http',
      description: 'Varve: produce and consume over HTTPS',
      memorySize: props.httpMemory ?? 512,
      timeout: Duration.minutes(5),
      environment: accessVariables(props),
    })
    const { auth = 'iam' } = props
    if (auth === 'iam' && (props.anonymousScopes ?? props.corsOrigins)) {
      throw new Error("VarveLog: anonymousScopes and corsOrigins need auth: 'keys', for IAM refuses such callers.")
    }
    this.url = this.#http.function.addFunctionUrl({
      // Else the function itself asks every caller for a key or a token.
      authType: auth === 'iam' ? FunctionUrlAuthType.AWS_IAM : FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    })
    this.#addUpkeep(upkeepEvery)
    if (props.push) this.#pushing()
    new CfnOutput(this, 'Url', {
      value: this.url.url,
      description: auth === 'iam' ? 'HTTPS, with IAM' : 'HTTPS, with keys',
    })
    new CfnOutput(this, 'TableName', { value: this.table.tableName })
    new CfnOutput(this, 'BucketName', { value: this.bucket.name })
  }

  /** A topic that exists with the stack. Its records stay when it is removed from the stack, unless its removal policy says else. */
  addTopic(id: string, props: VarveTopicProps): VarveTopic {
    return new VarveTopic(this, id, { ...props, function: this.#resourceFunction().function })
  }

  /**
   * The function that sends records on. It may reach web addresses, and what `addSubscription` names; a target of subscriptions
   * that are made over HTTP needs a right for it: `queue.grantSendMessages(log.pushFunction)`.
   */
  get pushFunction(): IFunction {
    return this.#pushing().function
  }

  /** A topic's records are sent on, in the order of each partition and at least once. */
  addSubscription(id: string, props: VarveSubscriptionProps): VarveSubscription {
    const [resources, dispatch] = [this.#resourceFunction().function, this.#pushing().function]
    return new VarveSubscription(this, id, { ...props, resources, dispatch })
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

  /** Serves subscriptions that are made over HTTP, as the prop `push` does. */
  enablePush(): void {
    this.#pushing()
  }

  /** Lets it call the URL: what it may do there is not told apart from `grantConsume` yet. */
  grantProduce(grantee: IGrantable): Grant {
    return this.#grantUrl(grantee)
  }

  /** Lets it call the URL: what it may do there is not told apart from `grantProduce` yet. */
  grantConsume(grantee: IGrantable): Grant {
    return this.#grantUrl(grantee)
  }

  #grantUrl(grantee: IGrantable): Grant {
    if (this.url.authType === FunctionUrlAuthType.AWS_IAM) return this.url.grantInvokeUrl(grantee)
    throw new Error("VarveLog: with auth: 'keys' or a JWT there is nothing to grant: give it an API key.")
  }

  #resourceFunction(): VarveFunction {
    this.#resources ??= this.#addFunction('Topics', {
      name: 'resource',
      description: 'Varve: topics and subscriptions of the stack',
      memorySize: 256,
      timeout: Duration.minutes(2),
    })
    return this.#resources
  }

  #pushing(): VarveFunction {
    if (this.#dispatch) return this.#dispatch
    const dispatch = this.#addFunction('Dispatch', {
      name: 'dispatch',
      description: 'Varve: sends records on',
      memorySize: 512,
      timeout: Duration.minutes(15),
    })
    connectDispatch(dispatch, this.table)
    this.#http.function.addEnvironment('VARVE_PUSH', 'true')
    this.#dispatch = dispatch
    return dispatch
  }

  #addFunction(
    id: string,
    props: Omit<VarveFunctionProps, 'bucket' | 'table' | 'encryptionKey' | 'logRetention'>,
  ): VarveFunction {
    const made = new VarveFunction(this, id, {
      ...props,
      environment: { ...props.environment, ...(this.#props.privateWebhooks && { VARVE_WEBHOOK_PRIVATE: 'true' }) },
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
      environment: {
        VARVE_UPKEEP_MINUTES: String(every.toMinutes()),
        ...(this.archiveTables && { VARVE_ARCHIVE_CATALOG: catalogAddress(this, this.archiveTables) }),
      },
    })
    if (this.archiveTables) {
      for (const statement of archiveStatements(this.archiveTables)) upkeep.function.addToRolePolicy(statement)
      acknowledgeTables(upkeep, this.archiveTables)
    }
    new Rule(this, 'UpkeepSchedule', {
      schedule: Schedule.rate(every),
      targets: [new LambdaTarget(upkeep.function, { retryAttempts: 0 })],
    })
  }
}

function accessVariables({ auth, anonymousScopes = [], corsOrigins = [] }: VarveLogProps): Record<string, string> {
  const jwt = typeof auth === 'object' ? auth.jwt : undefined
  const variables = {
    VARVE_HTTP_ANONYMOUS: anonymousScopes.join(' '),
    VARVE_CORS_ORIGINS: corsOrigins.join(' '),
    VARVE_OIDC_ISSUER: jwt?.issuer,
    VARVE_OIDC_AUDIENCE: jwt?.audience,
    VARVE_OIDC_JWKS: jwt?.jwksUri,
    VARVE_OIDC_SCOPE_CLAIM: jwt?.scopeClaim,
  }
  return Object.fromEntries(Object.entries(variables).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}
