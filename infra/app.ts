/**
 * The app that cdk.json names: one log. `-c removal=destroy` lets its records go with the stack; `-c gateway=true` adds Kafka gateways;
 * `-c auth=keys` asks callers of the URL for API keys, not IAM; `-c push=true` serves subscriptions that are made over HTTP.
 */
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Gateway, VarveLog } from './index.ts'

const app = new App()
const stack = new Stack(app, app.node.tryGetContext('stack') ?? 'Varve', {
  description: 'A Varve log: records in S3, offsets in DynamoDB, nothing that runs while idle',
})
const removalPolicy = app.node.tryGetContext('removal') === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
const log = new VarveLog(stack, 'Log', {
  removalPolicy,
  auth: app.node.tryGetContext('auth') === 'keys' ? 'keys' : 'iam',
  push: app.node.tryGetContext('push') === 'true',
})
if (app.node.tryGetContext('gateway') === 'true') new Gateway(stack, 'Gateway', { log })
