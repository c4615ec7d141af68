/** One of Varve's functions: its bundle, a role that may do what is listed here and nothing else, and a log group that forgets. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { ObjectsBucket } from './objects-bucket.ts'

export type FunctionName = 'http' | 'ingest' | 'dispatch' | 'upkeep' | 'resource'

/** What a function does with the table: DynamoDB's own actions (a transaction needs those of its parts). */
type TableAction = 'GetItem' | 'Query' | 'PutItem' | 'DeleteItem' | 'ConditionCheckItem'
/** `List` is what makes S3 say of an object that it is gone, rather than that it may not be seen. */
type ObjectAction = 'Get' | 'Put' | 'Abort' | 'Delete' | 'List' | 'ListUploads'

interface Rights {
  readonly table: readonly TableAction[]
  readonly objects: readonly ObjectAction[]
}

/** Also of whoever appends: a segment that was fenced off is taken away by its writer. */
const ITEMS: readonly TableAction[] = ['GetItem', 'Query', 'PutItem', 'DeleteItem', 'ConditionCheckItem']
const OBJECTS: readonly ObjectAction[] = ['Get', 'Put', 'Delete', 'List']

/** Exactly what each function uses. */
export const functionRights: Readonly<Record<FunctionName, Rights>> = {
  http: { table: ITEMS, objects: OBJECTS },
  ingest: { table: ITEMS, objects: OBJECTS },
  // Dead letters are appended.
  dispatch: { table: ITEMS, objects: OBJECTS },
  // It makes, changes and deletes; where a subscription begins by time it reads records, and appends none.
  resource: { table: ITEMS, objects: ['Get', 'List'] },
  // Compaction puts large objects in parts.
  upkeep: { table: ITEMS, objects: [...OBJECTS, 'Abort', 'ListUploads'] },
}

/** With a key of the owner, by name: no wildcards. */
export const keyActions: readonly string[] = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
]

export interface VarveFunctionProps {
  readonly name: FunctionName
  readonly description: string
  readonly bucket: ObjectsBucket
  readonly table: Table
  readonly encryptionKey: IKey | undefined
  readonly logRetention: RetentionDays
  readonly timeout: Duration
  readonly memorySize: number
  readonly environment?: Readonly<Record<string, string>>
  readonly reservedConcurrency?: number
}

/** Below the built package, or below the project after `node functions/bundle.ts`. */
function bundleOf(name: FunctionName): string {
  const folders = [
    join(import.meta.dirname, '../functions', name),
    join(import.meta.dirname, '../dist/functions', name),
  ]
  const folder = folders.find(each => existsSync(join(each, 'index.mjs')))
  if (!folder) throw new Error(`The function ${name} is not bundled: run npm run build.`)
  return folder
}

export class VarveFunction extends Construct {
  readonly function: LambdaFunction

  constructor(scope: Construct, id: string, props: VarveFunctionProps) {
    super(scope, id)
    const { name, bucket, table, encryptionKey } = props
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    role.addToPolicy(allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [`${logGroup.logGroupArn}`]))
    const rights = functionRights[name]
    role.addToPolicy(
      allow(
        rights.table.map(action => `dynamodb:${action}`),
        [table.tableArn],
      ),
    )
    for (const statement of bucket.statementsFor(rights.objects)) role.addToPolicy(statement)
    encryptionKey?.grant(role, ...keyActions)
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: Code.fromAsset(bundleOf(name)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize,
      timeout: props.timeout,
      role,
      logGroup,
      environment: { VARVE_BUCKET: bucket.name, VARVE_TABLE: table.tableName, ...props.environment },
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
    })
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${bucket.nagName}/*]`,
      reason: 'All objects of the bucket are segments of the log.',
    })
    Validations.of(this.function).acknowledge({
      id: 'AwsSolutions-L1',
      reason: 'Node 24 is what the functions are made and tested for.',
    })
  }
}

export function allow(actions: string[], resources: string[]): PolicyStatement {
  return new PolicyStatement({ effect: Effect.ALLOW, actions, resources })
}

/** Of functions that append: a moment for the stores' worst, and less than the visibility time-out of a queue as it comes. */
export const APPEND_TIMEOUT = Duration.seconds(29)
