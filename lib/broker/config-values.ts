/** Configs in the form in which Kafka describes them (CreateTopics, DescribeConfigs). */
import { type ConfigDefinition, type ConfigDefinitions, type Configs, textConfig } from '../configs/index.ts'
import { topicConfigs } from '../log/index.ts'

/** Kafka's ConfigSource numbers; `allBrokers`: set at run time for all of them. */
export const configSource = {
  topic: 1,
  broker: 2,
  allBrokers: 3,
  brokerStatic: 4,
  default: 5,
  clientMetrics: 7,
  group: 8,
} as const

/** Kafka's ConfigType numbers. */
export const configType = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
} as const satisfies Readonly<Record<ConfigDefinition['type'], number>> & Readonly<Record<string, number>>

export interface ConfigValue {
  readonly name: string
  /** null: nothing is set, or it is a secret. */
  readonly value: string | null
  readonly source: number
  readonly type: number
  /** null: Kafka does not document it. */
  readonly about: string | null
  readonly isReadOnly: boolean
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[]
}

/** Every config of a resource: what was set, with `source`, and the defaults for the rest. */
export function configValues(definitions: ConfigDefinitions, set: Configs, source: number): ConfigValue[] {
  const told = Object.entries(definitions).filter(([name, { fixed }]) => !fixed || Object.hasOwn(set, name))
  return told.map(([name, config]) => {
    const isSet = Object.hasOwn(set, name)
    const value = textConfig(definitions, set, name)
    const synonyms = config.brokerName
      ? [{ name: config.brokerName, value: config.default, source: configSource.default }]
      : []
    return {
      name,
      value,
      source: isSet ? source : configSource.default,
      type: configType[config.type],
      about: config.about,
      isReadOnly: config.fixed === true,
      synonyms: isSet ? [{ name, value, source }, ...synonyms] : synonyms,
    }
  })
}

export function topicConfigValues(set: Configs): ConfigValue[] {
  return configValues(topicConfigs, set, configSource.topic)
}
