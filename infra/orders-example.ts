/**
 * An example: orders from an SQS queue become records of a topic, each once, and a function is called with them; what happens on an
 * event bus becomes records of another topic. `npx cdk deploy --app 'npx node infra/orders-example.ts'`
 */
import { join } from 'node:path'
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events'
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { VarveLog } from './index.ts'

const app = new App()
const stack = new Stack(app, app.node.tryGetContext('stack') ?? 'VarveOrders')
const log = new VarveLog(stack, 'Log', { removalPolicy: RemovalPolicy.DESTROY, auth: 'keys' })

const orders = log.addTopic('Orders', { topicName: 'orders', partitions: 3 })
const deadLetters = new Queue(stack, 'UnstoredOrders', { enforceSSL: true })
const queue = new Queue(stack, 'OrderQueue', {
  enforceSSL: true,
  visibilityTimeout: Duration.seconds(180),
  deadLetterQueue: { queue: deadLetters, maxReceiveCount: 10 },
})
log.addIngest('OrdersFromQueue', { from: { queue }, topic: orders })

const fulfil = new LambdaFunction(stack, 'Fulfil', {
  description: 'Orders: fulfils them',
  code: Code.fromAsset(join(import.meta.dirname, '../examples/orders')),
  handler: 'fulfil.handler',
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  timeout: Duration.seconds(30),
})
const unfulfilled = log.addTopic('Unfulfilled', { topicName: 'orders-unfulfilled' })
log.addSubscription('Fulfilment', {
  topic: orders,
  to: { function: fulfil },
  attempts: 5,
  deadLetterTopic: unfulfilled,
})

const shipments = log.addTopic('Shipments', { topicName: 'shipments', removalPolicy: RemovalPolicy.DESTROY })
const bus = new EventBus(stack, 'ShopBus') as IEventBus
log.addIngest('ShipmentsFromBus', { from: { bus, pattern: { source: ['shop'] } }, topic: shipments })

new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl })
new CfnOutput(stack, 'BusName', { value: bus.eventBusName })
new CfnOutput(stack, 'FulfilArn', { value: fulfil.functionArn })
