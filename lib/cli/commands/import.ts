import type { Command } from 'commander'
import { importTopic, type SettingValues } from '../../assembly/index.ts'
import { namedValue } from '../cluster.ts'
import { jsonLine, print } from '../output.ts'
import { count, describeShare, Progress } from '../progress.ts'
import { readStores, storeCommand } from '../store-options.ts'

interface ImportOptions extends SettingValues {
  readonly topic?: string
  readonly config?: ReadonlyMap<string, string>
  readonly json?: boolean
  readonly progress?: boolean
}

export function importCommand(): Command {
  return storeCommand(
    'import',
    'make a topic of what varve export wrote, offsets kept; run it again where it stopped; servers may run',
  )
    .argument('<folder>')
    .option('-t, --topic <name>', 'default: the name that it had')
    .option(
      '-c, --config <name=value>',
      'a topic config beside those that it had; may be given several times',
      namedValue,
    )
    .option('--progress', 'show progress on stderr even where it is no terminal')
    .option('--no-progress', 'never show progress')
    .action(run)
}

async function run(
  folder: string,
  { topic: name, config = new Map(), json, progress: wanted, ...values }: ImportOptions,
): Promise<void> {
  const since = performance.now()
  let line = 'reading'
  const progress = new Progress(() => line, wanted)
  const { topic, manifest } = await importTopic(readStores(values), {
    folder,
    ...(name === undefined ? {} : { name }),
    configs: Object.fromEntries(config),
    onProgress: done => {
      line = describeShare(done, since)
    },
  }).finally(() => progress.end())
  const records = manifest.partitions.reduce((sum, partition) => sum + partition.records, 0)
  if (json) await print(jsonLine({ topic, records }))
  else await print(`imported ${count(records)} records to ${topic}\n`)
}
