import type { Command } from 'commander'
import { type CheckFinding, checkStores, type SettingValues } from '../../assembly/index.ts'
import { CommandError } from '../failure.ts'
import { jsonLine, print } from '../output.ts'
import { count, Progress } from '../progress.ts'
import { readStores, storeCommand } from '../store-options.ts'

interface CheckOptions extends SettingValues {
  readonly quick?: boolean
  readonly orphans?: boolean
  readonly json?: boolean
  readonly progress?: boolean
}

export function checkCommand(): Command {
  return storeCommand(
    'check',
    'read all that is stored and say what is wrong with it; changes nothing, servers may run',
  )
    .option('--quick', 'leave out the bytes of records: documents and what they refer to')
    .option('--orphans', 'list what nothing refers to, too; `varve upkeep` takes it away in time')
    .option('--progress', 'show progress on stderr even where it is no terminal')
    .option('--no-progress', 'never show progress')
    .action(check)
}

/** Exit code 1 where something is damaged, missing, or has a gap; orphans are none of these. */
async function check({
  quick = false,
  orphans,
  json = false,
  progress: wanted,
  ...values
}: CheckOptions): Promise<void> {
  const found = { damaged: 0, missing: 0, gap: 0, orphan: 0 }
  const told: Promise<void>[] = []
  const startedAt = performance.now()
  let line = 'checking'
  const progress = new Progress(() => line, wanted)
  const tell = (finding: CheckFinding) => {
    found[finding.kind]++
    if (finding.kind === 'orphan' && !orphans) return
    const { kind, what, why } = finding
    told.push(print(json ? jsonLine(finding) : `${kind}  ${what}  (${why})\n`))
  }
  const checked = await checkStores(readStores(values), {
    quick,
    onFinding: tell,
    onProgress: ({ topics, segments, extents, bytes }) => {
      const rate = bytes / 2 ** 20 / Math.max(0.001, (performance.now() - startedAt) / 1_000)
      line = `${count(topics)} topics, ${count(segments)} segments, ${count(extents)} extents, ${rate.toFixed(1)} MiB/s`
    },
  }).finally(() => progress.end())
  await Promise.all(told)
  if (json) await print(jsonLine({ checked, found }))
  else {
    const { topics, partitions, segments, extents, bytes } = checked
    await print(
      `${count(topics)} topics, ${count(partitions)} partitions, ${count(segments)} segments, ${count(extents)} extents, ${(bytes / 2 ** 20).toFixed(1)} MiB; ${count(found.orphan)} orphans\n`,
    )
  }
  const wrong = found.damaged + found.missing + found.gap
  if (wrong > 0) throw new CommandError(`${count(wrong)} things are wrong: restore what is named above from a backup.`)
}
