/**
 * DescribeConfigs, versions 1 to 4: the configs of topics, groups and subscriptions to clients' metrics (what was set, and the
 * defaults) and of brokers.
 *
 * Departures from Apache Kafka: a broker's configs are read-only but for the throttles of replication, and those that steer what
 * Varve does not have are told with Kafka's defaults; it has no loggers; configs that do something here are documented by what they do.
 */
import { ALL_BROKERS, ConfigError, type Configs, clientMetricsConfigs, groupConfigs } from '../../configs/index.ts'
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { resourceType, unknownKind } from '../config-resources.ts'
import { type ConfigValue, configSource, configType, configValues, topicConfigValues } from '../config-values.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'

type Request = Message<typeof DescribeConfigsRequest>
type Resource = Request['resources'][number]
type Answer = MessageInput<typeof DescribeConfigsResponse>['results'][number]

export const describeConfigs = handler(DescribeConfigs, {
  async handle(request, context) {
    const known: readonly number[] = Object.values(resourceType)
    // As Kafka does: a request that names an unknown kind fails as a whole.
    const isBroken = request.resources.some(resource => !known.includes(resource.resourceType))
    return {
      throttleTimeMs: 0,
      results: await Promise.all(
        request.resources.map(resource =>
          isBroken ? { ...bare(resource), ...unknownKind } : describeResource(resource, request, context),
        ),
      ),
    }
  },
})

async function describeResource(resource: Resource, request: Request, broker: Broker): Promise<Answer> {
  try {
    const values = await valuesOf(resource, broker)
    if (values === undefined) {
      return { ...bare(resource), errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: '' }
    }
    return answer(resource, values, request)
  } catch (error) {
    return { ...bare(resource), errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error) }
  }
}

/** undefined: there is no such topic. */
async function valuesOf({ resourceType: kind, resourceName: name }: Resource, broker: Broker) {
  switch (kind) {
    case resourceType.topic: {
      const topic = await broker.log.topics.find({ name })
      if (topic) return topicConfigValues(topic.configs)
      // A name that no topic can have is told from one that no topic has.
      await broker.log.topics.validate({ name, partitions: 1 })
      return undefined
    }
    case resourceType.group: {
      if (name === '') throw invalidRequest('Group name must not be empty')
      return configValues(groupConfigs, (await broker.configs.get('group', name)) ?? {}, configSource.group)
    }
    case resourceType.clientMetrics: {
      if (name === '') throw invalidRequest('Client metrics subscription name must not be empty')
      const set = (await broker.configs.get('client-metrics', name)) ?? {}
      return configValues(clientMetricsConfigs, set, configSource.clientMetrics)
    }
    case resourceType.brokerLogger: {
      if (name === '') throw invalidRequest('Broker id must not be empty')
      nodeIdOf(name, id => `Unexpected broker id, expected ${broker.cluster.nodeId} but received ${id}`, broker)
      return []
    }
    default: {
      // The empty name stands for what is set for all brokers at run time.
      if (name === '') return throttleValues({}, await throttlesOf(ALL_BROKERS, broker))
      const complaint = (id: number) =>
        `Unexpected broker id, expected ${broker.cluster.nodeId} or empty string, but received ${id}`
      const nodeId = nodeIdOf(name, complaint, broker)
      // Kafka's texts are long, and loaded where somebody asks for them.
      const { brokerConfigValues } = await import('../broker-config-values.ts')
      const throttles = await Promise.all([String(nodeId), ALL_BROKERS].map(each => throttlesOf(each, broker)))
      return [...throttleValues(throttles[0]!, throttles[1]!), ...brokerConfigValues(nodeId, broker)]
    }
  }
}

async function throttlesOf(name: string, { configs }: Broker): Promise<Configs> {
  return (await configs.get('broker', name)) ?? {}
}

/** Told only where they are set; a broker's own go before those of all. */
function throttleValues(own: Configs, ofAll: Configs): ConfigValue[] {
  return Object.keys({ ...own, ...ofAll }).map(name => {
    const synonyms = [
      { name, value: own[name], source: configSource.broker },
      { name, value: ofAll[name], source: configSource.allBrokers },
    ].flatMap(({ value, ...rest }) => (value === undefined ? [] : [{ ...rest, value }]))
    const { value, source } = synonyms[0]!
    return { name, value, source, synonyms, type: configType.long, about: null, isReadOnly: false }
  })
}

function nodeIdOf(name: string, complaint: (id: number) => string, { cluster }: Broker): number {
  if (!/^[+-]?\d+$/.test(name)) throw invalidRequest(`Broker id must be an integer, but it is: ${name}`)
  const nodeId = Number(name)
  if (!cluster.gateways().some(gateway => gateway.nodeId === nodeId)) throw invalidRequest(complaint(nodeId))
  return nodeId
}

function invalidRequest(message: string): ConfigError {
  return new ConfigError('INVALID_REQUEST', message)
}

function answer(resource: Resource, values: readonly ConfigValue[], request: Request): Answer {
  const names = resource.configurationKeys ?? []
  const chosen = names.length === 0 ? values : values.filter(({ name }) => names.includes(name))
  return {
    ...bare(resource),
    errorCode: 0,
    errorMessage: '',
    configs: chosen.map(({ name, value, isReadOnly, source, type, about, synonyms }) => ({
      name,
      value,
      readOnly: isReadOnly,
      configSource: source,
      isSensitive: type === configType.password,
      synonyms: request.includeSynonyms ? synonyms : [],
      configType: type,
      documentation: request.includeDocumentation ? about : null,
    })),
  }
}

function bare({ resourceType, resourceName }: Resource) {
  return { resourceType, resourceName, configs: [] }
}
