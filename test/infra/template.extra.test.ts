/** The template, as somebody who must answer for it reads it. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, test } from 'vitest'
import { bundleFunctions } from '../../functions/bundling.ts'
import { readCatalogLocation } from '../../lib/assembly/catalog-location.ts'
import {
  encryptedStack,
  logStack,
  type Resource,
  resourcesOf,
  type Synthesized,
  tablesStack,
  wholeStack,
} from './stacks.ts'

await bundleFunctions()

const whole = resourcesOf(wholeStack())
const plain = resourcesOf(logStack())
const pushing = resourcesOf(logStack({ push: true }))

const ofType = (resources: ReadonlyMap<string, Resource>, type: string) =>
  [...resources].filter(([, resource]) => resource.Type === type)

test('what holds data keeps its logical id: another one would be another, empty, resource', () => {
  const stateful = [...plain].filter(([, { Type }]) => ['AWS::S3::Bucket', 'AWS::DynamoDB::Table'].includes(Type))
  expect(stateful.map(([id]) => id)).toEqual(['LogObjectsBucketEFA007E2', 'LogTable81E80B89'])
})

test('data stays when the stack goes, unless it was said that it may go', () => {
  for (const [, { Type, DeletionPolicy, UpdateReplacePolicy }] of plain) {
    if (!['AWS::S3::Bucket', 'AWS::DynamoDB::Table'].includes(Type)) continue
    expect([Type, DeletionPolicy, UpdateReplacePolicy]).toEqual([Type, 'Retain', 'Retain'])
  }
  const doomed = resourcesOf(logStack({ removalPolicy: RemovalPolicy.DESTROY }))
  expect(ofType(doomed, 'AWS::DynamoDB::Table')[0]![1].DeletionPolicy).toBe('Delete')
})

describe('rights', () => {
  /** Actions by resource, of the role that a function has. */
  function rightsOf(stack: ReadonlyMap<string, Resource>, functionId: RegExp): Map<string, string[]> {
    const [, lambda] = ofType(stack, 'AWS::Lambda::Function').find(([id]) => functionId.test(id))!
    const role = lambda.Properties.Role['Fn::GetAtt'][0]
    const rights = new Map<string, string[]>()
    for (const [, policy] of ofType(stack, 'AWS::IAM::Policy')) {
      if (policy.Properties.Roles[0].Ref !== role) continue
      for (const { Action, Effect, Resource } of policy.Properties.PolicyDocument.Statement) {
        expect(Effect).toBe('Allow')
        const key = JSON.stringify(Resource)
        rights.set(key, [...(rights.get(key) ?? []), ...[Action].flat()].sort())
      }
    }
    return rights
  }

  const items = ['ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query'].map(action => `dynamodb:${action}`)
  const objects = ['DeleteObject', 'GetObject', 'ListBucket', 'PutObject'].map(action => `s3:${action}`)
  const logs = ['logs:CreateLogStream', 'logs:PutLogEvents']
  const receive = ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage']
  const stream = ['DescribeStream', 'GetRecords', 'GetShardIterator'].map(action => `dynamodb:${action}`)
  const deliver = ['events:PutEvents', 'lambda:InvokeFunction', 'sqs:SendMessage']
  const send = ['GetQueueAttributes', 'GetQueueUrl', 'SendMessage']

  test.each([
    [/^LogHttpFunction/, []],
    [/^LogUpkeepFunction/, ['s3:AbortMultipartUpload', 's3:ListBucketMultipartUploads']],
    [/^LogFromQueueFunction/, receive.map(action => `sqs:${action}`)],
    [/^LogFromBusFunction/, send.map(action => `sqs:${action}`)],
    [/^LogDispatchFunction/, [...stream, 'dynamodb:ListStreams', ...deliver]],
  ])('of %s are exactly these', (id, more) => {
    const rights = rightsOf(whole, id)
    expect([...rights.values()].flat().sort()).toEqual([...items, ...objects, ...logs, ...more].sort())
    // Which knows no narrower resource.
    expect(rights.get('"*"') ?? []).toEqual(more.filter(action => action === 'dynamodb:ListStreams'))
  })

  test('of the function that makes topics and subscriptions are to read objects, and to write none', () => {
    const read = ['s3:GetObject', 's3:ListBucket']
    expect([...rightsOf(whole, /^LogTopicsFunction/).values()].flat().sort()).toEqual(
      [...items, ...read, ...logs].sort(),
    )
  })

  test('of upkeep and of gateways are to write tables, where archives are tables of a table bucket', () => {
    const resources = resourcesOf(tablesStack())
    const policies = ofType(resources, 'AWS::IAM::Policy').filter(([, policy]) =>
      /s3tables:/.test(JSON.stringify(policy)),
    )
    expect(policies.map(([id]) => id.slice(0, 8)).sort()).toEqual(['GatewayT', 'LogUpkee'])
    const [, upkeep] = ofType(resources, 'AWS::Lambda::Function').find(([id]) => /^LogUpkeep/.test(id))!
    const [, task] = ofType(resources, 'AWS::ECS::TaskDefinition')[0]!
    const address = upkeep.Properties.Environment.Variables.VARVE_ARCHIVE_CATALOG
    const told = task.Properties.ContainerDefinitions[0].Environment
    expect(told.find((one: { Name: string }) => one.Name === 'VARVE_ARCHIVE_CATALOG').Value).toEqual(address)
    const arn = 'arn:aws:s3tables:eu-central-1:123456789012:bucket/lake'
    const literal = logStack({ archiveTables: { tableBucketArn: arn } })
    const [, function_] = ofType(resourcesOf(literal), 'AWS::Lambda::Function').find(([id]) => /^LogUpkeep/.test(id))!
    const text = function_.Properties.Environment.Variables.VARVE_ARCHIVE_CATALOG
    const url = (
      typeof text === 'string'
        ? text
        : text['Fn::Join'][1].map((part: unknown) => (typeof part === 'string' ? part : 'amazonaws.com')).join('')
    ) as string
    expect(readCatalogLocation(url, '')).toEqual({
      url: 'https://s3tables.eu-central-1.amazonaws.com/iceberg',
      warehouse: arn,
      namespace: 'varve',
      sigv4: { service: 's3tables', region: 'eu-central-1' },
      token: '',
    })
  })

  test('of a dispatch function are to deliver to these targets, and to no other', () => {
    const rights = rightsOf(whole, /^LogDispatchFunction/)
    const resourceOf = (action: string) => [...rights].find(([, actions]) => actions.includes(action))?.[0]
    const arnOf = (type: string, id: RegExp) =>
      JSON.stringify({ 'Fn::GetAtt': [ofType(whole, type).find(([found]) => id.test(found))![0], 'Arn'] })
    expect(resourceOf('lambda:InvokeFunction')).toBe(arnOf('AWS::Lambda::Function', /^Receiver/))
    expect(resourceOf('sqs:SendMessage')).toBe(arnOf('AWS::SQS::Queue', /^Orders/))
    expect(resourceOf('events:PutEvents')).toBe(arnOf('AWS::Events::EventBus', /^Bus/))
    expect([...rightsOf(pushing, /^LogDispatchFunction/).values()].flat().sort()).toEqual(
      [...items, ...objects, ...logs, ...stream, 'dynamodb:ListStreams'].sort(),
    )
  })

  test('of a dispatch function are given for targets of subscriptions that are made over HTTP', () => {
    const synthesized = logStack({ push: true })
    new Queue(synthesized.stack, 'Late').grantSendMessages(synthesized.log.pushFunction)
    const rights = rightsOf(resourcesOf(synthesized), /^LogDispatchFunction/)
    expect([...rights.values()].flat()).toContain('sqs:SendMessage')
  })

  test('no policy allows everything of anything', () => {
    for (const [id, { Properties }] of ofType(whole, 'AWS::IAM::Policy')) {
      if (!id.startsWith('Log')) continue
      for (const { Action } of Properties.PolicyDocument.Statement) {
        for (const action of [Action].flat()) expect([id, action]).not.toEqual([id, expect.stringMatching(/\*/)])
      }
    }
  })

  test('the URL is closed to whoever IAM does not let in', () => {
    const [url] = ofType(plain, 'AWS::Lambda::Url')
    expect(url![1].Properties).toMatchObject({ AuthType: 'AWS_IAM', InvokeMode: 'RESPONSE_STREAM' })
    const open = ofType(plain, 'AWS::Lambda::Permission').filter(([, { Properties }]) => Properties.Principal === '*')
    expect(open).toEqual([])
  })

  test('the URL with keys is open to requests, and the function is told whom to let in', () => {
    const jwt = { issuer: 'https://login.example', audience: 'varve' }
    const props = { auth: { jwt }, anonymousScopes: ['produce:web-*'], corsOrigins: ['https://shop.example'] } as const
    for (const given of [{ auth: 'keys' } as const, props]) {
      const resources = resourcesOf(logStack(given))
      expect(ofType(resources, 'AWS::Lambda::Url')[0]![1].Properties.AuthType).toBe('NONE')
      const open = ofType(resources, 'AWS::Lambda::Permission').filter(
        ([, { Properties }]) => Properties.Principal === '*',
      )
      for (const [, { Properties }] of open) {
        expect(Properties.FunctionName['Fn::GetAtt'][0]).toMatch(/^LogHttpFunction/)
        expect(Properties.FunctionUrlAuthType === 'NONE' || Properties.InvokedViaFunctionUrl === true).toBe(true)
      }
      expect(open.length).toBeGreaterThan(0)
    }
    const [, http] = ofType(resourcesOf(logStack(props)), 'AWS::Lambda::Function').find(([id]) => /^LogHttp/.test(id))!
    expect(http.Properties.Environment.Variables).toMatchObject({
      VARVE_HTTP_ANONYMOUS: 'produce:web-*',
      VARVE_CORS_ORIGINS: 'https://shop.example',
      VARVE_OIDC_ISSUER: 'https://login.example',
      VARVE_OIDC_AUDIENCE: 'varve',
    })
    const withoutKeys = { auth: 'iam', anonymousScopes: ['produce:web-*'] } as const
    expect(() => logStack(withoutKeys)).toThrow(/need auth: 'keys'/)
    const { log, stack } = logStack({ auth: 'keys' })
    expect(() => log.grantProduce(new Role(stack, 'Role', { assumedBy: new AccountRootPrincipal() }))).toThrow(
      /API key/,
    )
  })
})

describe('everything at rest is encrypted, and kept as long as it should be', () => {
  test('by keys of AWS', () => {
    const [[, bucket]] = ofType(plain, 'AWS::S3::Bucket') as [[string, Resource]]
    expect(bucket.Properties).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      LifecycleConfiguration: {
        Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
      },
    })
    const [[, table]] = ofType(plain, 'AWS::DynamoDB::Table') as [[string, Resource]]
    expect(table.Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    })
  })

  test('by a key of the owner, which every function may use', () => {
    const resources = resourcesOf(encryptedStack())
    const text = JSON.stringify([...resources])
    expect(ofType(resources, 'AWS::S3::Bucket')[0]![1].Properties.BucketEncryption).toMatchObject({
      ServerSideEncryptionConfiguration: [
        { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
      ],
    })
    expect(ofType(resources, 'AWS::DynamoDB::Table')[0]![1].Properties.SSESpecification).toMatchObject({
      SSEEnabled: true,
      SSEType: 'KMS',
    })
    expect(text.match(/kms:Decrypt/g)!.length).toBeGreaterThanOrEqual(3)
  })

  test('every function has a log group that forgets', () => {
    const functions = ofType(whole, 'AWS::Lambda::Function').filter(([id]) => id.startsWith('Log'))
    expect(functions.length).toBeGreaterThan(8)
    for (const [, { Properties }] of functions) {
      const group = whole.get(Properties.LoggingConfig.LogGroup.Ref)
      expect(group?.Properties.RetentionInDays).toBe(30)
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    }
  })
})

test('no log group of theirs outlives the stack', () => {
  const groups = ofType(whole, 'AWS::Logs::LogGroup').filter(([id]) => /^(Log|Gateway)/.test(id))
  for (const [id, { Properties, DeletionPolicy }] of groups) {
    expect([id, Properties.RetentionInDays, DeletionPolicy]).toEqual([id, 30, 'Delete'])
  }
})

test('segments may lie in S3 Express', () => {
  const resources = resourcesOf(logStack({ expressZone: 'use1-az4' }))
  expect(ofType(resources, 'AWS::S3Express::DirectoryBucket')[0]![1]).toMatchObject({
    DeletionPolicy: 'Retain',
    Properties: { DataRedundancy: 'SingleAvailabilityZone', LocationName: 'use1-az4' },
  })
  expect(JSON.stringify([...resources])).toContain('s3express:CreateSession')
})

test('event sources report failures of single records', () => {
  const mappings = ofType(whole, 'AWS::Lambda::EventSourceMapping').filter(([id]) => !/^LogDispatch/.test(id))
  expect(mappings).toHaveLength(4)
  for (const [, { Properties }] of mappings)
    expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures'])
  const fifo = mappings.find(([id]) => /FromFifo/.test(id))![1].Properties
  expect(fifo).toMatchObject({ BatchSize: 10 })
  expect(fifo.MaximumBatchingWindowInSeconds).toBeUndefined()
})

describe('push', () => {
  test('is called by changes of heads and of subscriptions alone, and by a schedule', () => {
    const [[, mapping]] = ofType(pushing, 'AWS::Lambda::EventSourceMapping') as [[string, Resource]]
    const { FilterCriteria, EventSourceArn, ...rest } = mapping.Properties
    expect(EventSourceArn).toEqual({ 'Fn::GetAtt': ['LogTable81E80B89', 'StreamArn'] })
    expect(rest).toMatchObject({ StartingPosition: 'LATEST', ParallelizationFactor: 10, MaximumRetryAttempts: 5 })
    expect(FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern))).toEqual([
      { dynamodb: { Keys: { pk: { S: [{ prefix: 's#' }] }, sk: { S: ['head'] } } } },
      { dynamodb: { Keys: { pk: { S: ['push'] } } } },
    ])
    const schedules = ofType(pushing, 'AWS::Events::Rule').map(([, { Properties }]) => Properties.ScheduleExpression)
    expect(schedules.toSorted()).toEqual(['rate(1 minute)', 'rate(5 minutes)'])
  })

  test('costs nothing where nobody asked for it, and what HTTP makes would not be served', () => {
    expect(ofType(plain, 'AWS::Lambda::EventSourceMapping')).toEqual([])
    const variablesOf = (stack: ReadonlyMap<string, Resource>) =>
      ofType(stack, 'AWS::Lambda::Function').find(([id]) => /^LogHttp/.test(id))![1].Properties.Environment.Variables
    expect(variablesOf(plain).VARVE_PUSH).toBeUndefined()
    expect(variablesOf(pushing).VARVE_PUSH).toBe('true')
  })

  test('keeps the keys of changed items in the stream, and no record', () => {
    const [[, table]] = ofType(plain, 'AWS::DynamoDB::Table') as [[string, Resource]]
    expect(table.Properties.StreamSpecification).toEqual({ StreamViewType: 'KEYS_ONLY' })
  })

  test('subscriptions are resources that come after their topics', () => {
    const subscriptions = new Map(ofType(whole, 'Custom::VarveSubscription'))
    const found = (id: string) => [...subscriptions].find(([name]) => name.includes(id))![1]
    expect(found('ToFunction').Properties).toMatchObject({
      ...{ Name: 'ToFunction', Topic: 'orders', AttemptsMax: 5, DeadLetterTopic: 'dead', From: 'latest' },
      Target: { Kind: 'function' },
    })
    expect(JSON.stringify(found('ToFunction'))).toMatch(/"DependsOn":\["LogDead\w+","LogOrders\w+"\]/)
    expect(found('ToBus').Properties).toMatchObject({ Target: { Kind: 'eventbridge', Source: 'varve' } })
    expect(found('ToUrl').Properties).toMatchObject({ Topic: 'news', Target: { Kind: 'webhook' }, RecordsMax: 10 })
    expect(JSON.stringify([...subscriptions])).not.toMatch(/secret/i)
  })
})

test('everything that can fail has an alarm', () => {
  const names = ofType(whole, 'AWS::CloudWatch::Alarm').map(([id]) => id.replace(/^LogWatch|[0-9A-F]{8}$/g, ''))
  for (const one of ['Http', 'Upkeep', 'Dispatch', 'FromQueue', 'FromStream']) expect(names).toContain(`${one}Errors`)
  expect(names).toEqual(expect.arrayContaining(['FromStreamDeadLetters', 'WriteThrottles', 'ReadThrottles']))
  expect(ofType(whole, 'AWS::CloudWatch::Dashboard')).toHaveLength(1)
})

test('gateways are reached from inside only, and reach bucket and table without a NAT', () => {
  expect(ofType(whole, 'AWS::EC2::NatGateway')).toEqual([])
  expect(ofType(whole, 'AWS::EC2::InternetGateway')).toEqual([])
  expect(ofType(whole, 'AWS::ElasticLoadBalancingV2::LoadBalancer')[0]![1].Properties.Scheme).toBe('internal')
  expect(
    ofType(whole, 'AWS::EC2::VPCEndpoint').filter(([, { Properties }]) => Properties.VpcEndpointType === 'Gateway'),
  ).toHaveLength(2)
})

test("the context of the gateways' image is what the image is made of", () => {
  const { directory } = wholeStack().app.synth()
  const contexts = readdirSync(directory).filter(name => existsSync(join(directory, name, 'infra/gateway-image')))
  expect(contexts).toHaveLength(1)
  const context = join(directory, contexts[0]!)
  expect(
    readdirSync(context)
      .filter(name => name !== 'dist')
      .toSorted(),
  ).toEqual(['infra', 'package.json'])
  expect(readdirSync(join(context, 'infra'))).toEqual(['gateway-image'])
  const built = existsSync(join(context, 'dist')) ? readdirSync(join(context, 'dist')) : []
  expect(built.filter(name => !name.endsWith('.js'))).toEqual([])
})

describe('cdk-nag has nothing to say', () => {
  const theirs = [
    ...['SQS3', 'SQS4', 'SNS3', 'S1', 'S10', 'DDB3', 'KDS3', 'L1'].map(rule => `AwsSolutions-${rule}`),
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    'AwsSolutions-IAM5[Resource::*]',
  ]

  test.each<[string, () => Synthesized]>([
    ['of a log', logStack],
    ['of one with a key of the owner', encryptedStack],
    ['of one whose archives are S3 tables', tablesStack],
    [
      'of one with gateways',
      () => {
        const made = wholeStack()
        return made
      },
    ],
  ])('%s', (_name, make) => {
    const made = make()
    // The sources are not Varve's.
    for (const { node } of made.stack.node.children) {
      if (node.id === 'Log' || node.id === 'Gateway') continue
      for (const id of theirs) Validations.of(node.scope!.node.findChild(node.id)).acknowledge({ id, reason: 'theirs' })
    }
    Validations.of(made.app).addPlugins(new AwsSolutionsChecks(made.app))
    expect(() => made.app.synth()).not.toThrow()
  })
})
