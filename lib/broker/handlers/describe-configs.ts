/**
 * DescribeConfigs, versions 1 to 4: the configs of topics (what was set, and the defaults) and of brokers.
 *
 * Departures from Apache Kafka: a broker has few configs here, all read-only; other kinds of resource are refused.
 */
import { topicConfigs } from '../../log/index.ts'
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { type ConfigValue, configSource, configType, topicConfigValues } from '../config-values.ts'
import { type ErrorName, errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Request = Message<typeof DescribeConfigsRequest>
type Resource = Request['resources'][number]
type Answer = MessageInput<typeof DescribeConfigsResponse>['results'][number]

/** Kafka's ConfigResource types. */
const resourceType = { topic: 2, broker: 4 } as const

export const describeConfigs = handler(DescribeConfigs, {
  async handle(request, context) {
    return {
      throttleTimeMs: 0,
      results: await Promise.all(request.resources.map(resource => describeResource(resource, request, context))),
    }
  },
})

async function describeResource(resource: Resource, request: Request, broker: Broker): Promise<Answer> {
  if (resource.resourceType === resourceType.topic) {
    const topic = await lookUpTopic({ name: resource.resourceName }, broker)
    if (typeof topic === 'number') return refuseTopic(resource, topic, broker)
    return answer(resource, topicConfigValues(topic.configs), request)
  }
  if (resource.resourceType !== resourceType.broker) {
    return refuse(resource, 'INVALID_REQUEST', `Unsupported resource type ${resource.resourceType}`)
  }
  // The empty name stands for what is set for all brokers at run time, which nothing can be.
  if (resource.resourceName === '') return answer(resource, [], request)
  const nodeId = Number(resource.resourceName)
  if (!broker.cluster.gateways().some(gateway => gateway.nodeId === nodeId)) {
    return refuse(resource, 'INVALID_REQUEST', `There is no broker ${resource.resourceName}`)
  }
  return answer(resource, brokerConfigValues(nodeId, broker), request)
}

function answer(resource: Resource, values: readonly ConfigValue[], request: Request): Answer {
  const names = resource.configurationKeys ?? []
  const chosen = names.length === 0 ? values : values.filter(({ name }) => names.includes(name))
  return {
    ...bare(resource),
    errorCode: 0,
    errorMessage: null,
    configs: chosen.map(({ name, value, isReadOnly, source, type, about, synonyms }) => ({
      name,
      value,
      readOnly: isReadOnly,
      configSource: source,
      isSensitive: false,
      synonyms: request.includeSynonyms ? synonyms : [],
      configType: type,
      documentation: request.includeDocumentation ? about : null,
    })),
  }
}

/** A name that no topic can have is told from one that no topic has. */
async function refuseTopic(resource: Resource, errorCode: number, { log, logger }: Broker): Promise<Answer> {
  try {
    await log.topics.validate({ name: resource.resourceName, partitions: 1 })
    return { ...bare(resource), errorCode, errorMessage: 'There is no such topic.' }
  } catch (error) {
    return { ...bare(resource), errorCode: errorCodeOf(error, logger), errorMessage: errorMessageOf(error) }
  }
}

function refuse(resource: Resource, error: ErrorName, errorMessage: string): Answer {
  return { ...bare(resource), errorCode: errorCodes[error], errorMessage }
}

function bare({ resourceType, resourceName }: Resource) {
  return { resourceType, resourceName, configs: [] }
}

/** This broker's own settings, and the defaults that topics inherit. */
function brokerConfigValues(nodeId: number, { config }: Broker): ConfigValue[] {
  const own: readonly [string, number, string, string][] = [
    ['node.id', configType.int, String(nodeId), 'The number of this gateway.'],
    ['broker.id', configType.int, String(nodeId), 'The number of this gateway.'],
    [
      'auto.create.topics.enable',
      configType.boolean,
      String(config.autoCreateTopics),
      'Whether using a topic creates it.',
    ],
    ['num.partitions', configType.int, String(config.defaultPartitions), 'Partitions of a topic that does not say.'],
    ['default.replication.factor', configType.int, '1', 'The stores replicate.'],
    ['socket.request.max.bytes', configType.int, String(config.requestBytesMax), 'The largest request.'],
    ['fetch.max.bytes', configType.int, String(config.fetchBytesMax), 'The most that a fetch answers with.'],
  ]
  const inherited = Object.values(topicConfigs).flatMap(({ brokerName, default: value, type, about }) =>
    brokerName
      ? [brokerValue({ name: brokerName, type: configType[type], value, about, source: configSource.default })]
      : [],
  )
  return [
    ...own.map(([name, type, value, about]) =>
      brokerValue({ name, type, value, about, source: configSource.brokerStatic }),
    ),
    ...inherited,
  ]
}

function brokerValue(config: Omit<ConfigValue, 'isReadOnly' | 'synonyms'>): ConfigValue {
  const { name, value, source } = config
  return { ...config, isReadOnly: true, synonyms: [{ name, value, source }] }
}
