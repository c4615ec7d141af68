/**
 * `npm run simulate -- --seed N --histories N --minutes N`: looks for violations, shrinks the first that it finds, and
 * exits with 1. `--focus log|groups|transactions|shares|upkeep|consumer-groups|forks` runs such histories only, `--plant NAME` plants a bug, `--all` goes on
 * after a violation.
 */
import { parseArgs } from 'node:util'
import { runHistories, shrinkFailure, type Tally } from './fleet.ts'
import { focuses } from './plan.ts'
import { plants } from './plants/index.ts'

const LINES_MAX = 400

/** Failed histories told of each property. */
const TOLD_MAX = 5

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    histories: { type: 'string' },
    minutes: { type: 'string' },
    workers: { type: 'string' },
    plant: { type: 'string' },
    focus: { type: 'string' },
    all: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
  },
})

const firstSeed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const started = performance.now()
let toldAt = started
console.log(`seeds from ${firstSeed}`)
const tally = await runHistories({
  firstSeed,
  histories: Number(values.histories ?? (values.minutes === undefined ? 2_000 : 1e9)),
  ...(values.minutes !== undefined && { forMs: Number(values.minutes) * 60_000 }),
  ...(values.workers !== undefined && { workers: Number(values.workers) }),
  ...(values.plant !== undefined && { plant: values.plant }),
  focus: focuses.find(focus => focus === values.focus) ?? plants.find(({ name }) => name === values.plant)?.focus,
  untilFailure: !values.all,
  onProgress: tally => {
    if (performance.now() - toldAt < 5_000) return
    toldAt = performance.now()
    console.log(`${tally.histories} histories, ${tally.failures.length} violated`)
  },
})
report(tally)
await tellFailures(tally)
process.exitCode = tally.failures.length > 0 ? 1 : 0

function report({ histories, steps, virtualMs, counters }: Tally): void {
  const seconds = (performance.now() - started) / 1_000
  console.log(`${histories} histories in ${seconds.toFixed(1)} s: ${(histories / seconds).toFixed(0)} a second`)
  console.log(`${steps} steps, ${(virtualMs / 3_600_000).toFixed(0)} hours of virtual time`)
  for (const [name, count] of [...counters].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${name.padEnd(32)}${count}`)
}

async function tellFailures({ failures }: Tally): Promise<void> {
  const byProperty = Map.groupBy(failures, ({ violations }) => violations[0]!.property)
  for (const [property, some] of byProperty) {
    console.log(`${property}: ${some.length} histories`)
    for (const { plan, violations } of some.slice(0, TOLD_MAX))
      console.log(`  seed ${plan.seed}: ${violations[0]!.what}`)
  }
  const first = failures[0]
  const violation = first?.violations[0]
  if (!first || !violation || values['no-shrink']) return
  console.log(`\nshrinking seed ${first.plan.seed} …`)
  const shrunk = await shrinkFailure(first.plan, violation, values.plant)
  console.log(`after ${shrunk.runs} runs\n\nthe trace:`)
  for (const line of shrunk.lines.slice(0, LINES_MAX)) console.log(line)
  if (shrunk.lines.length > LINES_MAX) console.log(`… ${shrunk.lines.length - LINES_MAX} more`)
  console.log('\nthe history:')
  for (const operation of shrunk.operations.slice(0, LINES_MAX)) console.log(operation)
  console.log(`\nthe plan, for regressions.json:\n${JSON.stringify(shrunk.plan)}\n`)
  for (const { property, what } of shrunk.violations.slice(0, 5)) console.log(`${property}: ${what}`)
}
