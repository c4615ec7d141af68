/** The kinds of things that have configs, by Kafka's ConfigResource numbers, and changes of their configs. */
import {
  ALL_BROKERS,
  type ConfigDefinitions,
  ConfigError,
  type ConfigKind,
  type Configs,
  isBrokerThrottle,
  validateBrokerThrottles,
  validateClientMetricsConfigs,
  validateGroupConfigs,
} from '../configs/index.ts'
import { topicConfigs } from '../log/index.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from './errors.ts'
import type { Broker } from './handler.ts'

export const resourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** What configs become; `definitions`: of that kind of resource. May be called several times. @throws ConfigError */
export type Change = (definitions: ConfigDefinitions, configs: Configs) => Configs

export interface ResourceChange {
  readonly resourceType: number
  readonly resourceName: string
  /** What is not named goes back to its default. */
  readonly isWhole?: boolean
  /** The configs that are named. */
  readonly names: readonly string[]
  /** Those of them that are only to be unset. */
  readonly unset?: readonly string[]
  readonly change: Change
}

interface ResourceAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly resourceType: number
  readonly resourceName: string
}

/** A resource's name may be part of a key. */
const NAME_BYTES_MAX = 1_000
/** Kafka knows the lists of groups and of clients' metrics as such that take no APPEND. */
const noLists: ConfigDefinitions = {}

/** Changes each resource for itself; one that is named twice is not changed. Answers in order. */
export async function changeResources(
  changes: readonly ResourceChange[],
  validateOnly: boolean,
  broker: Broker,
): Promise<ResourceAnswer[]> {
  const keyOf = (change: ResourceChange) => `${change.resourceType}/${change.resourceName}`
  const counts = new Map<string, number>()
  for (const change of changes) counts.set(keyOf(change), (counts.get(keyOf(change)) ?? 0) + 1)
  return Promise.all(
    changes.map(async change => {
      const { resourceType, resourceName } = change
      try {
        if (counts.get(keyOf(change))! > 1) throw invalidRequest('Each resource must appear at most once.')
        await changeResource(change, validateOnly, broker)
        return { errorCode: 0, errorMessage: null, resourceType, resourceName }
      } catch (error) {
        const errorCode = errorCodeOf(error, broker.logger)
        return { errorCode, errorMessage: errorMessageOf(error), resourceType, resourceName }
      }
    }),
  )
}

async function changeResource(asked: ResourceChange, validateOnly: boolean, broker: Broker): Promise<void> {
  const { resourceName: name, names, change } = asked
  switch (asked.resourceType) {
    case resourceType.topic: {
      if (name === '') throw invalidRequest('Default topic resources are not allowed.')
      return broker.log.topics.changeConfigs(name, configs => change(topicConfigs, configs), { validateOnly })
    }
    case resourceType.group: {
      if (name === '') throw invalidRequest('Default group resources are not allowed.')
      const changed = validated(configs => change(noLists, configs), validateGroupConfigs)
      return changeStored('group', name, changed, validateOnly, broker)
    }
    case resourceType.clientMetrics: {
      if (name === '') throw invalidRequest("Subscription name can't be empty")
      const changed = validated(configs => change(noLists, configs), validateClientMetricsConfigs)
      return changeStored('client-metrics', name, changed, validateOnly, broker)
    }
    case resourceType.broker: {
      if (name !== '') checkNode(name, 'Unexpected broker id, expected', broker)
      // Gateways are configured where they are started, so nothing but throttles is there to be set or unset.
      const fixed = names.filter(name => !isBrokerThrottle(name) && !asked.unset?.includes(name))
      if (fixed.length > 0) throw invalidRequest(`Cannot update these configs dynamically: [${fixed.join(', ')}]`)
      const changed = validated(configs => change(noLists, configs), validateBrokerThrottles)
      return changeStored('broker', name === '' ? ALL_BROKERS : String(Number(name)), changed, validateOnly, broker)
    }
    case resourceType.brokerLogger: {
      // Kafka's loggers have no levels to go back to.
      if (asked.isWhole) throw invalidRequest(`Unknown resource type ${asked.resourceType}`)
      checkNode(name, 'Unexpected node id. Expected', broker)
      if (names.length > 0) throw new ConfigError('INVALID_CONFIG', `Logger ${names[0]} does not exist!`)
      return
    }
    default:
      throw invalidRequest(`Unknown resource type ${asked.resourceType}`)
  }
}

function validated(change: (configs: Configs) => Configs, validate: (configs: Configs) => void) {
  return (configs: Configs) => {
    const changed = change(configs)
    validate(changed)
    return changed
  }
}

export async function changeStored(
  kind: ConfigKind,
  name: string,
  change: (configs: Configs) => Configs,
  validateOnly: boolean,
  { configs }: Broker,
): Promise<void> {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw invalidRequest(`a name is at most ${NAME_BYTES_MAX} bytes long`)
  if (!validateOnly) return configs.change(kind, name, change)
  change((await configs.get(kind, name)) ?? {})
}

function checkNode(name: string, complaint: string, { cluster }: Broker): void {
  if (!/^[+-]?\d+$/.test(name)) throw invalidRequest(`Node id must be an integer, but it is: ${name}`)
  if (!cluster.gateways().some(({ nodeId }) => nodeId === Number(name))) {
    throw invalidRequest(`${complaint} ${cluster.nodeId}, but received ${Number(name)}`)
  }
}

function invalidRequest(message: string): ConfigError {
  return new ConfigError('INVALID_REQUEST', message)
}

/** What is said of a kind of resource that has no configs. */
export const unknownKind = {
  errorCode: errorCodes.INVALID_REQUEST,
  errorMessage:
    'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.',
}
