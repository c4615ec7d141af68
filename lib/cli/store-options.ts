import { Command } from 'commander'
import { ConfigError, readStoresConfig, type SettingValues, secretSettings, settings } from '../assembly/index.ts'
import { UsageError } from './failure.ts'

/** What commands that work on the stores themselves share: no server needs to run. */

const storeSettings = ['data', 'objects', 'items'] as const

/** A command with the options that say where the stores are, and with `more` of a server's settings. */
export function storeCommand(
  name: string,
  description: string,
  more: readonly (keyof typeof settings)[] = [],
): Command {
  const command = new Command(name).description(description)
  for (const key of [...storeSettings, ...more]) {
    const { option, variable, about, ...setting } = settings[key]
    const absent = 'default' in setting ? `default: ${setting.default}, ` : ''
    command.option(option, `${about} (${absent}env: ${variable})`)
  }
  return command.option('--json', 'print JSON for machines').showHelpAfterError('Run it with --help for its usage.')
}

/** @throws UsageError */
export function readStores(options: SettingValues): ReturnType<typeof readStoresConfig> {
  const fromEnvironment = Object.entries(settings).map(([name, { variable }]) => [name, process.env[variable]])
  try {
    const archiveCatalogToken = process.env[secretSettings.archiveCatalogToken]
    return readStoresConfig({ ...Object.fromEntries(fromEnvironment), ...options, archiveCatalogToken })
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error
  }
}
