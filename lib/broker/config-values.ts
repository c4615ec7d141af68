/** Topic configs in the form in which Kafka describes them (CreateTopics, DescribeConfigs). */
import { type TopicConfig, topicConfigs } from '../log/index.ts'

/** Kafka's ConfigSource numbers. */
export const configSource = { topic: 1, brokerStatic: 4, default: 5 } as const

/** Kafka's ConfigType numbers. */
export const configType: Readonly<Record<TopicConfig['type'], number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
}

export interface ConfigValue {
  readonly name: string
  readonly value: string
  readonly source: number
  readonly type: number
  readonly about: string
  readonly isReadOnly: boolean
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[]
}

/** Every config of a topic: what was set, and the defaults for the rest. */
export function topicConfigValues(set: Readonly<Record<string, string>>): ConfigValue[] {
  return Object.entries(topicConfigs).map(([name, config]) => {
    const own = Object.hasOwn(set, name) ? set[name] : undefined
    const synonyms = config.brokerName
      ? [{ name: config.brokerName, value: config.default, source: configSource.default }]
      : []
    return {
      name,
      value: own ?? config.default,
      source: own === undefined ? configSource.default : configSource.topic,
      type: configType[config.type],
      about: config.about,
      isReadOnly: false,
      synonyms: own === undefined ? synonyms : [{ name, value: own, source: configSource.topic }, ...synonyms],
    }
  })
}
