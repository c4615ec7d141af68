/**
 * What may be set of a broker at run time: how fast replicas are copied, which Kafka's kafka-reassign-partitions sets before a move and
 * unsets after it. Kept and told, by Apache Kafka 4.4's rules; nothing is copied here, so nothing is slowed down. Pure.
 */
import {
  type ConfigDefinition,
  type ConfigDefinitions,
  type Configs,
  definitionOf,
  flawOfConfigs,
} from './definition.ts'
import { ConfigError } from './errors.ts'

const throttle: ConfigDefinition = {
  type: 'long',
  default: '9223372036854775807',
  min: 0,
  unused: true,
  about: 'Bytes a second.',
}

const brokerThrottles: ConfigDefinitions = {
  'follower.replication.throttled.rate': throttle,
  'leader.replication.throttled.rate': throttle,
  'replica.alter.log.dirs.io.max.bytes.per.second': throttle,
}

/** What those of all brokers are stored as: a broker's are stored by its number. */
export const ALL_BROKERS = '<default>'

export function isBrokerThrottle(name: string): boolean {
  return definitionOf(brokerThrottles, name) !== undefined
}

/** @throws ConfigError INVALID_REQUEST */
export function validateBrokerThrottles(configs: Configs): void {
  const flaw = flawOfConfigs(brokerThrottles, configs, 'broker')
  if (flaw) throw new ConfigError('INVALID_REQUEST', flaw)
}
