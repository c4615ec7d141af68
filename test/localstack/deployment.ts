/** A deployed example, from outside: its URL, its functions, its queue and bus. */
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge'
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { LocalStack } from 'localstack-utils'
import { runCli } from '../support/cli.ts'

const BATCH_MAX = 10
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' }

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: whatever the route answers
  readonly body: any
}

export class Deployment {
  readonly #localStack: LocalStack
  readonly #output: (name: string) => string
  #key = ''
  readonly #lambda: LambdaClient
  readonly #sqs: SQSClient
  readonly #client: { endpoint: string; region: string; credentials: typeof CREDENTIALS }

  constructor(localStack: LocalStack, output: (name: string) => string) {
    this.#localStack = localStack
    this.#output = output
    this.#client = { endpoint: localStack.endpoint, region: 'us-east-1', credentials: CREDENTIALS }
    this.#sqs = new SQSClient({ ...this.#client, useQueueUrlAsEndpoint: false })
    this.#lambda = new LambdaClient({ ...this.#client, requestHandler: { requestTimeout: 300_000 } })
  }

  /** `--objects` and `--items` of a gateway on the same stores. */
  get storeArguments(): readonly string[] {
    const place = `region=us-east-1&endpoint=${encodeURIComponent(this.#localStack.endpoint)}`
    const [objects, items] = [`s3://${this.#output('BucketName')}`, `dynamodb://${this.#output('TableName')}`]
    return ['--objects', `${objects}?${place}`, '--items', `${items}?${place}`]
  }

  /** Makes the first API key as the README says: with rights on the table. */
  async makeKey(): Promise<void> {
    const place = `region=us-east-1&endpoint=${encodeURIComponent(this.#localStack.endpoint)}`
    const items = `dynamodb://${this.#output('TableName')}?${place}`
    const { stdout, stderr } = await runCli(
      ['keys', 'create', 'operator', '--scope', 'admin', '--items', items, '--json'],
      {
        env: { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
      },
    )
    if (stdout === '') throw new Error(stderr)
    this.#key = JSON.parse(stdout).token
  }

  /** Adds to the environment of a function. */
  async configure(description: RegExp, variables: Readonly<Record<string, string>>): Promise<void> {
    const FunctionName = await this.functionName(description)
    const { Environment } = await this.#lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
    const Variables = { ...Environment?.Variables, ...variables }
    await this.#lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }))
    while (true) {
      const { LastUpdateStatus } = await this.#lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
      if (LastUpdateStatus === 'Successful') return
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  output(name: string): string {
    return this.#output(name)
  }

  /** Through the Function URL, whose name does not resolve: it goes into the Host header. */
  async http(
    method: string,
    path: string,
    options: { body?: unknown; anonymous?: boolean; token?: string } = {},
  ): Promise<HttpAnswer> {
    const { hostname, port } = new URL(this.#localStack.endpoint)
    const headers = {
      host: new URL(this.#output('Url')).host,
      ...(options.anonymous ? {} : { authorization: `Bearer ${options.token ?? this.#key}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const sent = request({ hostname, port, path, method, headers })
    sent.end(options.body === undefined ? undefined : JSON.stringify(options.body))
    const [answer] = await once(sent, 'response')
    let text = ''
    for await (const part of answer.setEncoding('utf8')) text += part
    const isJson = text !== '' && /json/.test(String(answer.headers['content-type']))
    return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** Every record of a topic, by partition and offset. */
  async records(topic: string): Promise<{ partition: number; offset: number; key: string | null; value: string }[]> {
    const described = await this.http('GET', `/v1/topics/${topic}`)
    const all = []
    for (let partition = 0; partition < described.body.partitions; partition++) {
      const path = `/v1/topics/${topic}/partitions/${partition}/records`
      for (let offset = 0; ; ) {
        const page = await this.http('GET', `${path}?offset=${offset}&keyEncoding=text&valueEncoding=text`)
        if (page.status !== 200) throw new Error(`${path}: ${page.status} ${JSON.stringify(page.body)}`)
        for (const record of page.body.records) all.push({ ...record, partition })
        // Only an empty answer is sure to be the end.
        if (page.body.records.length === 0 && page.body.nextOffset <= offset) break
        offset = page.body.nextOffset
      }
    }
    return all
  }

  async functionName(description: RegExp): Promise<string> {
    const { Functions = [] } = await this.#lambda.send(new ListFunctionsCommand({}))
    const found = Functions.find(({ Description = '' }) => description.test(Description))
    if (!found)
      throw new Error(`no function ${description} among ${Functions.map(each => each.Description).join(', ')}`)
    return found.FunctionName!
  }

  async functionCount(): Promise<number> {
    return (await this.#lambda.send(new ListFunctionsCommand({}))).Functions?.length ?? 0
  }

  /** What the function answers; where it failed, an error. */
  async invoke(description: RegExp, event: unknown): Promise<unknown> {
    const FunctionName = await this.functionName(description)
    const Payload = Buffer.from(JSON.stringify(event))
    const answer = await this.#lambda.send(new InvokeCommand({ FunctionName, Payload }))
    const text = Buffer.from(answer.Payload ?? []).toString()
    if (answer.FunctionError) throw new Error(text)
    return JSON.parse(text || 'null')
  }

  /** SIGKILL to every sandbox of a function; answers how many. */
  async kill(description: RegExp): Promise<number> {
    const name = await this.functionName(description)
    let killed = 0
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      const isOurs = environment.split('\0').includes(`AWS_LAMBDA_FUNCTION_NAME=${name}`)
      if (!isOurs) continue
      process.kill(Number(pid), 'SIGKILL')
      killed++
    }
    return killed
  }

  /** As CloudFormation asks for a topic or a subscription; answers what it is told. */
  async resource(
    type: 'Topic' | 'Subscription',
    requestType: 'Create' | 'Update' | 'Delete',
    properties: object,
    physicalId?: string,
  ): Promise<Record<string, unknown>> {
    const told = Promise.withResolvers<Record<string, unknown>>()
    const server = createServer(async (incoming, response) => {
      let text = ''
      for await (const part of incoming.setEncoding('utf8')) text += part
      response.end()
      told.resolve(JSON.parse(text))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      await this.invoke(/^Varve: topics/, {
        RequestType: requestType,
        ResourceType: `Custom::Varve${type}`,
        ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`,
        StackId: 'stack',
        RequestId: 'request',
        LogicalResourceId: 'Topic',
        ...(physicalId ? { PhysicalResourceId: physicalId } : {}),
        ResourceProperties: properties,
      })
      return await told.promise
    } finally {
      server.close()
    }
  }

  /** A queue beside the stack; answers its URL and ARN. */
  async makeQueue(name: string): Promise<{ url: string; arn: string }> {
    const { QueueUrl: url = '' } = await this.#sqs.send(new CreateQueueCommand({ QueueName: name }))
    return { url, arn: `arn:aws:sqs:us-east-1:000000000000:${name}` }
  }

  /** The bodies of the messages that are there now. */
  async receive(url: string): Promise<string[]> {
    const bodies: string[] = []
    while (true) {
      const asked = { QueueUrl: url, MaxNumberOfMessages: BATCH_MAX }
      const { Messages = [] } = await this.#sqs.send(new ReceiveMessageCommand(asked))
      if (Messages.length === 0) return bodies
      bodies.push(...Messages.map(({ Body = '' }) => Body))
    }
  }

  /** A bus beside the stack, whose events of a source come into a queue. */
  async makeBus(name: string, source: string, queueArn: string): Promise<void> {
    const events = new EventBridgeClient(this.#client)
    await events.send(new CreateEventBusCommand({ Name: name }))
    const rule = { Name: `${name}-rule`, EventBusName: name }
    await events.send(new PutRuleCommand({ ...rule, EventPattern: JSON.stringify({ source: [source] }) }))
    const Targets = [{ Id: 'queue', Arn: queueArn }]
    await events.send(new PutTargetsCommand({ Rule: rule.Name, EventBusName: name, Targets }))
    events.destroy()
  }

  async sendToQueue(bodies: readonly string[]): Promise<void> {
    const QueueUrl = this.#output('QueueUrl')
    for (let at = 0; at < bodies.length; at += BATCH_MAX) {
      const Entries = bodies.slice(at, at + BATCH_MAX).map((MessageBody, i) => ({ Id: String(i), MessageBody }))
      await this.#sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    }
  }

  async sendToBus(details: readonly object[]): Promise<void> {
    const events = new EventBridgeClient(this.#client)
    const EventBusName = this.#output('BusName')
    const Entries = details.map(detail => ({
      EventBusName,
      Source: 'shop',
      DetailType: 'Shipped',
      Detail: JSON.stringify(detail),
    }))
    await events.send(new PutEventsCommand({ Entries }))
    events.destroy()
  }

  /** Until `look` answers something. */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (let attempt = 0; attempt < 600; attempt++) {
      const found = await look()
      if (found !== undefined) return found
      await new Promise(resolve => setTimeout(resolve, 500))
    }
    throw new Error(`${what} did not come:\n${this.#localStack.output}`)
  }
}
