/**
 * `npm run clients`: other people's Kafka clients against Varve. Prints each case as it ends, then a table of cases and
 * clients; ends with 1 where one failed, or, with CI=true, where a client could not be run.
 * With VARVE_TEST_SERVER=apache-kafka the server is a real one: to tell a fault of Varve from one of a case.
 */
import { Command, Option } from 'commander'
import { CASES } from './cases.ts'
import { CLIENTS } from './clients.ts'
import { STORE_NAMES, type StoresName } from './stores.ts'
import { type ClientResult, runSuite } from './suite.ts'

const options = new Command('clients')
  .addOption(new Option('--only <client...>', 'run these clients').choices(CLIENTS.map(client => client.name)))
  .addOption(new Option('--case <case...>', 'run these cases').choices(Object.keys(CASES)))
  .addOption(
    new Option('--stores <stores...>', 'where the server keeps its data').choices(STORE_NAMES).default(['embedded']),
  )
  .addOption(new Option('--parallel <number>', 'how many clients run at once').argParser(Number).default(1))
  .parse()
  .opts<{ only?: string[]; case?: string[]; stores: StoresName[]; parallel: number }>()

let failed = false
for (const stores of options.stores) {
  const suite = { stores, clients: options.only ?? [], cases: options.case ?? [], parallel: options.parallel }
  const results = await runSuite(suite, (client, { name, failure, milliseconds }) => {
    const time = `(${(milliseconds / 1000).toFixed(1)} s)`
    console.log(failure === undefined ? `PASS ${client} ${name} ${time}` : `FAIL ${client} ${name} ${time}: ${failure}`)
  })
  console.log(`\n${stores}\n${table(results)}`)
  for (const { client, skipped } of results) if (skipped !== undefined) console.log(`SKIP ${client}: ${skipped}`)
  const failures = results.some(result => result.cases.some(one => one.failure !== undefined))
  const skips = results.some(result => result.skipped !== undefined)
  failed ||= failures || (skips && process.env.CI === 'true')
}
process.exit(failed ? 1 : 0)

/** A row for each case, a column for each client: `ok`, `FAIL`, or `-` where the client cannot do it. */
function table(results: readonly ClientResult[]): string {
  const names = new Set(results.flatMap(result => result.cases.map(one => one.name)))
  const nameWidth = Math.max(4, ...[...names].map(name => name.length))
  const columns = results.filter(result => result.skipped === undefined)
  const header = ['case'.padEnd(nameWidth), ...columns.map(({ client }) => client)].join('  ')
  const rows = [...names].map(name => {
    const cells = columns.map(({ client, cases }) => mark(cases, name).padEnd(client.length))
    return [name.padEnd(nameWidth), ...cells].join('  ')
  })
  return [header, ...rows].join('\n')
}

function mark(cases: ClientResult['cases'], name: string): string {
  const result = cases.find(one => one.name === name)
  if (result === undefined) return '-'
  return result.failure === undefined ? 'ok' : 'FAIL'
}
