/**
 * `npm run simulate -- --seed N --histories N --minutes N`: looks for violations, shrinks the first that it finds, and
 * exits with 1. `--help` tells the options.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runHistories, shrinkFailure, type Tally } from './fleet.ts'
import { focuses } from './plan.ts'
import { plants } from './plants/index.ts'

/** What is told of a shrunk history: a log of CI has room for what matters. */
const BRIEF = { operations: 16, lines: 30, columns: 300, properties: 4, histories: 3 }
const WHOLE = { operations: 2_000, lines: 20_000, columns: Infinity, properties: 20, histories: 20 }

const USAGE = `npm run simulate -- [options]
  --seed N        the first seed (of the clock)
  --histories N   how many (2000)
  --minutes N     no new ones after so long
  --focus NAME    only those about ${focuses.join(', ')}
  --short         none that take many times as long as others
  --plant NAME    with a planted bug (test/simulation/plants)
  --workers N     threads (one a processor)
  --all           goes on after a violation
  --no-shrink     does not shrink the first that is found
  --whole         tells all of the shrunk history and its trace`

const { values } = readArguments({
  options: {
    seed: { type: 'string' },
    histories: { type: 'string' },
    minutes: { type: 'string' },
    workers: { type: 'string' },
    plant: { type: 'string' },
    focus: { type: 'string' },
    all: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(USAGE)
  process.exit()
}
if (values.focus !== undefined && !focuses.some(one => one === values.focus))
  refuse(`no focus is called ${values.focus}`)
for (const name of ['seed', 'histories', 'minutes', 'workers'] as const)
  if (values[name] !== undefined && !(Number(values[name]) >= 0)) refuse(`--${name} takes a number`)

const firstSeed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const threads = values.workers === undefined ? availableParallelism() : Number(values.workers)
const started = performance.now()
let toldAt = started
let failuresTold = 0
console.log(`seeds from ${firstSeed}`)
const tally = await runHistories({
  firstSeed,
  histories: Number(values.histories ?? (values.minutes === undefined ? 2_000 : 1e9)),
  ...(values.minutes !== undefined && { forMs: Number(values.minutes) * 60_000 }),
  workers: threads,
  ...(values.plant !== undefined && { plant: values.plant }),
  focus: focuses.find(focus => focus === values.focus) ?? plants.find(({ name }) => name === values.plant)?.focus,
  shortOnly: values.short,
  untilFailure: !values.all,
  onProgress: tally => {
    for (const { plan, violations } of tally.failures.slice(failuresTold)) {
      console.log(`violated: ${violations[0]?.property}, --seed ${plan.seed} --histories 1`)
      failuresTold++
    }
    if (performance.now() - toldAt < 5_000) return
    toldAt = performance.now()
    console.log(`${tally.histories} histories, ${tally.failures.length} violated`)
  },
})
report(tally)
await tellFailures(tally)
process.exitCode = tally.failures.length > 0 ? 1 : 0

function readArguments<T extends Parameters<typeof parseArgs>[0] & object>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function refuse(why: string): never {
  console.error(`${why}\n${USAGE}`)
  process.exit(2)
}

function report({ histories, steps, virtualMs, counters, ...paces }: Tally): void {
  const seconds = (performance.now() - started) / 1_000
  console.log(`${histories} histories in ${seconds.toFixed(1)} s: ${(histories / seconds).toFixed(0)} a second`)
  for (const kind of ['short', 'long'] as const) {
    const pace = paces[kind]
    if (pace.histories === 0) continue
    const eachMs = pace.ms / pace.histories
    const rate = ((1_000 * threads) / eachMs).toFixed(0)
    console.log(
      `  ${pace.histories} ${kind}, of ${eachMs.toFixed(1)} ms of a processor: ${rate} a second on ${threads} idle ones`,
    )
  }
  console.log(`${steps} steps, ${(virtualMs / 3_600_000).toFixed(0)} hours of virtual time`)
  for (const [name, count] of [...counters].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${name.padEnd(32)}${count}`)
}

async function tellFailures({ failures }: Tally): Promise<void> {
  const room = values.whole ? WHOLE : BRIEF
  const byProperty = [...Map.groupBy(failures, ({ violations }) => violations[0]!.property)]
  for (const [property, some] of byProperty.slice(0, room.properties)) {
    console.log(`${property}: ${some.length} histories`)
    for (const { plan, violations } of some.slice(0, room.histories))
      tellLine(`  seed ${plan.seed}: ${violations[0]!.what}`, room)
  }
  if (byProperty.length > room.properties) console.log(`… ${byProperty.length - room.properties} more properties`)
  const first = failures[0]
  const violation = first?.violations[0]
  if (!first || !violation || values['no-shrink']) return
  console.log(`\nshrinking seed ${first.plan.seed} …`)
  const shrunk = await shrinkFailure(first.plan, violation, values.plant)
  console.log(`after ${shrunk.runs} runs\n\nthe trace:`)
  tellEnd(shrunk.lines, room.lines, room)
  console.log('\nthe history:')
  tellEnd(shrunk.operations, room.operations, room)
  console.log(`\nthe plan, for regressions.json:\n${JSON.stringify(shrunk.plan)}\n`)
  for (const { property, what } of shrunk.violations.slice(0, room.properties)) tellLine(`${property}: ${what}`, room)
}

function tellEnd(lines: readonly string[], max: number, room: typeof BRIEF): void {
  if (lines.length > max) console.log(`… ${lines.length - max} before these (--whole tells them)`)
  for (const line of lines.slice(-max)) tellLine(line, room)
}

/** The stack of an error has lines of its own. */
function tellLine(line: string, { columns }: typeof BRIEF): void {
  const flat = columns === Infinity ? line : line.replaceAll(/\n\s*/g, ' | ')
  console.log(flat.length > columns ? `${flat.slice(0, columns)} …` : flat)
}
