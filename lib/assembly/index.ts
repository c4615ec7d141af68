export { type Config, readConfig, type SettingValues, secretSettings, settings } from './config.ts'
export { ConfigError } from './config-error.ts'
export { jsonLogger } from './json-logger.ts'
export { type RunningVarve, startVarve } from './start-varve.ts'
