/** A topic that exists with the stack. */
import { CustomResource, RemovalPolicy } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'

export interface VarveTopicProps {
  readonly topicName: string
  /** May be raised later, never lowered. Default: 1. */
  readonly partitions?: number
  /** Kafka's topic configs, such as `{ 'retention.ms': '86400000' }`. */
  readonly configs?: Readonly<Record<string, string>>
  /** DESTROY: a topic that the stack made is deleted, with its records, when it is removed from the stack. Default: RETAIN. */
  readonly removalPolicy?: RemovalPolicy
}

export class VarveTopic extends Construct {
  readonly topicName: string
  /** 32 hex digits. */
  readonly topicId: string

  constructor(scope: Construct, id: string, props: VarveTopicProps & { readonly function: IFunction }) {
    super(scope, id)
    const resource = new CustomResource(this, 'Topic', {
      resourceType: 'Custom::VarveTopic',
      serviceToken: props.function.functionArn,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
      properties: { Name: props.topicName, Partitions: props.partitions ?? 1, Configs: props.configs ?? {} },
    })
    this.topicName = props.topicName
    this.topicId = resource.getAttString('Id')
  }
}
