/** `npm run chaos -- --minutes N --seed N --on embedded|cloud`: crashes of real processes; exits with 1 on a violation. */
import { parseArgs } from 'node:util'
import { type ChaosReport, runChaos } from './run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    on: { type: 'string', default: 'embedded' },
  },
})

const environment = values.on === 'cloud' ? 'cloud' : 'embedded'
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
console.log(`seed ${seed}, ${environment}`)
const report = await runChaos({
  environment,
  seed,
  forMs: Number(values.minutes) * 60_000,
  onEvent: line => console.log(line),
})
tell(report)
process.exit(report.violations.length > 0 ? 1 : 0)

function tell({ struck, counters, replays, violations, output }: ChaosReport): void {
  for (const [name, count] of [...struck, ...counters, ['requests sent twice', replays] as const])
    console.log(`  ${name.padEnd(32)}${count}`)
  if (violations.length > 0) console.log(`the gateways said:\n${output}`)
  for (const { property, what } of violations.slice(0, 20)) console.log(`${property}: ${what}`)
}
