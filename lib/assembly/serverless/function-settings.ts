/** What a function is told by its environment. */
import { ConfigError } from '../config-error.ts'

export interface FunctionSettings {
  readonly bucket: string
  /** Stands before the keys of all objects; empty: none. */
  readonly prefix: string
  readonly table: string
  /** Webhooks may go to private networks. */
  readonly privateWebhooks: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws ConfigError */
export function readFunctionSettings(environment: Environment): FunctionSettings {
  return {
    bucket: required(environment, 'VARVE_BUCKET'),
    prefix: environment.VARVE_PREFIX ?? '',
    table: required(environment, 'VARVE_TABLE'),
    privateWebhooks: environment.VARVE_WEBHOOK_PRIVATE === 'true',
  }
}

/** @throws ConfigError */
export function required(environment: Environment, name: string): string {
  const value = environment[name]
  if (!value) throw new ConfigError(`The function needs the environment variable ${name}.`)
  return value
}
