/** The configs of a subscription to clients' metrics (KIP-714) of Apache Kafka 4.4: table and check. */
import { type ConfigDefinitions, type Configs, definitionOf, listConfig, numberConfig } from './definition.ts'
import { ConfigError } from './errors.ts'

export const clientMetricsConfigs: ConfigDefinitions = {
  'interval.ms': { type: 'int', default: '300000', about: 'How often a client pushes its metrics.' },
  match: { type: 'list', default: '', about: 'Which clients: `attribute=regular expression`; empty: all.' },
  metrics: { type: 'list', default: '', about: 'Prefixes of the names of metrics; empty: none, *: all.' },
}

const intervalMsMin = 100
const intervalMsMax = 3_600_000
const attributes = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

/** @throws ConfigError INVALID_REQUEST, INVALID_CONFIG */
export function validateClientMetricsConfigs(configs: Configs): void {
  const unknown = Object.keys(configs).find(name => !definitionOf(clientMetricsConfigs, name))
  if (unknown !== undefined) {
    throw new ConfigError('INVALID_REQUEST', `Unknown client metrics configuration: ${unknown}`)
  }
  const intervalMs = numberConfig(clientMetricsConfigs, configs, 'interval.ms')
  if (!Number.isInteger(intervalMs)) {
    const message = `Invalid value ${configs['interval.ms']} for configuration interval.ms: Not a number of type INT`
    throw new ConfigError('INVALID_CONFIG', message)
  }
  if (intervalMs < intervalMsMin || intervalMs > intervalMsMax) {
    const range = `between ${intervalMsMin} and ${intervalMsMax} (1 hour)`
    throw new ConfigError('INVALID_REQUEST', `Invalid value ${intervalMs} for interval.ms, interval must be ${range}`)
  }
  for (const pattern of listConfig(clientMetricsConfigs, configs, 'match')) {
    if (!isMatch(pattern)) throw new ConfigError('INVALID_CONFIG', `Illegal client matching pattern: ${pattern}`)
  }
}

function isMatch(pattern: string): boolean {
  const [attribute, expression, ...rest] = pattern.split('=')
  if (expression === undefined || rest.length > 0 || !attributes.includes(attribute!.trim())) return false
  try {
    new RegExp(expression.trim(), 'u')
    return true
  } catch {
    return false
  }
}
