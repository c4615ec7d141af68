import { Command } from 'commander'
import {
  ConfigError,
  jsonLogger,
  readConfig,
  type SettingValues,
  secretSettings,
  settings,
  startVarve,
} from '../../assembly/index.ts'
import { UsageError } from '../failure.ts'

export function startCommand(): Command {
  const command = new Command('start').description('start a server: Kafka clients connect to it')
  for (const { option, variable, about, ...setting } of Object.values(settings)) {
    const absent = 'default' in setting ? `default: ${setting.default}, ` : ''
    command.option(option, `${about} (${absent}env: ${variable})`)
  }
  return command
    .addHelpText(
      'after',
      `\n${secretSettings.adminKey} (environment only): a key that opens all of HTTP\n${secretSettings.archiveCatalogToken} (environment only): a bearer token for --archive-catalog`,
    )
    .action(start)
}

/** Runs until SIGTERM or SIGINT; a second signal ends the process at once. */
async function start(values: SettingValues): Promise<void> {
  const stopped = firstSignal()
  const logger = jsonLogger(line => process.stderr.write(line))
  const varve = await startVarve(readOrExplain(values), logger)
  process.stdout.write(`varve is ready: kafka ${varve.kafkaAddress}, http ${varve.httpAddress}\n`)
  logger.info('stopping', { signal: await stopped })
  await varve.close()
}

function readOrExplain(options: SettingValues) {
  const fromEnvironment = Object.entries(settings).map(([name, { variable }]) => [name, process.env[variable]])
  try {
    const secrets = Object.entries(secretSettings).map(([name, variable]) => [name, process.env[variable]])
    return readConfig({ ...Object.fromEntries(fromEnvironment), ...options, ...Object.fromEntries(secrets) })
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error
  }
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}
