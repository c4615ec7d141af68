import type { Command } from 'commander'
import { jsonLogger, runUpkeep, type SettingValues } from '../../assembly/index.ts'
import { wholeNumber } from '../cluster.ts'
import { CommandError } from '../failure.ts'
import { jsonLine, print } from '../output.ts'
import { readStores, storeCommand } from '../store-options.ts'

interface UpkeepOptions extends SettingValues {
  readonly dryRun?: boolean
  readonly within: number
  readonly only?: readonly string[]
  readonly json?: boolean
}

export function upkeepCommand(): Command {
  return storeCommand(
    'upkeep',
    'compact, retain, sweep and archive once, straight on the stores; servers may run beside it',
    ['archiveCatalog', 'sweepGrace', 'offsetsRetention', 'transactionalIdExpiration'],
  )
    .option('--dry-run', 'tell what would go and why, and change nothing')
    .option('--within <seconds>', 'end after so long, done or not', wholeNumber(1), 3_600)
    .option('--only <job...>', 'some of the jobs, such as compact, retain, sweep, archive, expire-groups')
    .action(upkeep)
}

/** Each finding is a line: the job, what goes, and why. Exit code 1 where the pass came to no end. */
async function upkeep({ dryRun = false, within, only, json = false, ...values }: UpkeepOptions): Promise<void> {
  const lines: Promise<void>[] = []
  const result = await runUpkeep(
    readStores(values),
    jsonLogger(line => process.stderr.write(line)),
    {
      withinMs: within * 1_000,
      dry: dryRun,
      ...(only && { only }),
      onFinding: finding => {
        const { job, what, why } = finding
        lines.push(print(json ? jsonLine(finding) : `${job}  ${what}  (${why})\n`))
      },
    },
  )
  await Promise.all(lines)
  const { findings, complete, failed, heldElsewhere } = result
  if (json) await print(jsonLine(result))
  else if (complete) await print(`${findings} findings${dryRun ? ', and nothing was changed' : ''}\n`)
  if (complete) return
  const reasons = [
    ...failed.map(({ job, error }) => `${job} failed: ${error}`),
    ...heldElsewhere.map(name => `another process is at ${name}`),
  ]
  throw new CommandError(
    `The pass did not come to its end (${reasons.join('; ') || `${within} s were over`}): run it again; what is left is found again.`,
  )
}
