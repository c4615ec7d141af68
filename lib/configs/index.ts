export { type Alteration, alterConfigs } from './alteration.ts'
export { ALL_BROKERS, isBrokerThrottle, validateBrokerThrottles } from './broker-throttles.ts'
export { clientMetricsConfigs, validateClientMetricsConfigs } from './client-metrics-configs.ts'
export {
  changeQuotas,
  checkQuotaFilter,
  quotaEntity,
  quotaEntityName,
  quotaEntityOf,
  quotaFilterFinds,
} from './client-quotas.ts'
export {
  type ConfigDefinition,
  type ConfigDefinitions,
  type Configs,
  flawOfConfigs,
  listConfig,
  numberConfig,
  textConfig,
} from './definition.ts'
export { ConfigError, type ConfigErrorCode } from './errors.ts'
export {
  type GroupConfigValues,
  groupConfigs,
  groupConfigValues,
  type ShareStart,
  validateGroupConfigs,
} from './group-configs.ts'
export { type ConfigKind, type GroupConfigs, StoredConfigs, type StoredConfigsParts } from './stored-configs.ts'
