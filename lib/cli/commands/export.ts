import type { Command } from 'commander'
import { exportTopic, type SettingValues } from '../../assembly/index.ts'
import { jsonLine, print } from '../output.ts'
import { count, describeShare, Progress } from '../progress.ts'
import { readStores, storeCommand } from '../store-options.ts'

interface ExportOptions extends SettingValues {
  readonly json?: boolean
  readonly progress?: boolean
}

export function exportCommand(): Command {
  return storeCommand('export', "write a topic's committed records to a folder, offsets kept; servers may run")
    .argument('<topic>')
    .argument('<folder>', 'is made; it is there when all of the topic is in it')
    .option('--progress', 'show progress on stderr even where it is no terminal')
    .option('--no-progress', 'never show progress')
    .action(run)
}

async function run(name: string, folder: string, { json, progress: wanted, ...values }: ExportOptions): Promise<void> {
  const since = performance.now()
  let line = 'reading'
  const progress = new Progress(() => line, wanted)
  const { partitions } = await exportTopic(readStores(values), {
    name,
    folder,
    onProgress: done => {
      line = describeShare(done, since)
    },
  }).finally(() => progress.end())
  const records = partitions.reduce((sum, partition) => sum + partition.records, 0)
  const bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0)
  if (json) await print(jsonLine({ topic: name, folder, records, bytes }))
  else await print(`exported ${count(records)} records of ${name}, ${(bytes / 2 ** 20).toFixed(1)} MiB\n`)
}
