/**
 * An example: orders from an SQS queue and from an event bus become records of two topics, each once.
 * `npx cdk deploy --app 'npx node infra/orders-example.ts'`
 */
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { VarveLog } from './index.ts'

const app = new App()
const stack = new Stack(app, app.node.tryGetContext('stack') ?? 'VarveOrders')
const log = new VarveLog(stack, 'Log', { removalPolicy: RemovalPolicy.DESTROY })

const orders = log.addTopic('Orders', { topicName: 'orders', partitions: 3 })
const deadLetters = new Queue(stack, 'UnstoredOrders', { enforceSSL: true })
const queue = new Queue(stack, 'OrderQueue', {
  enforceSSL: true,
  visibilityTimeout: Duration.seconds(180),
  deadLetterQueue: { queue: deadLetters, maxReceiveCount: 10 },
})
log.addIngest('OrdersFromQueue', { from: { queue }, topic: orders })

const shipments = log.addTopic('Shipments', { topicName: 'shipments', removalPolicy: RemovalPolicy.DESTROY })
const bus = new EventBus(stack, 'ShopBus') as IEventBus
log.addIngest('ShipmentsFromBus', { from: { bus, pattern: { source: ['shop'] } }, topic: shipments })

new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl })
new CfnOutput(stack, 'BusName', { value: bus.eventBusName })
