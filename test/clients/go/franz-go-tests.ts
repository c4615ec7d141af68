/** franz-go's own integration tests, compiled from its module: the environment says where the program is. */
import { tryCommand } from '../javascript/command.ts'
import { type Case, runCases } from '../javascript/harness.ts'

/** What a topic of a test is given; the tests' own 500,000 take minutes on any server. */
const RECORDS = 10_000
const OUTPUT_KEPT = 1_500

const cases: Readonly<Record<string, Case>> = {
  'own-group-etl': bootstrap => run(bootstrap, '^TestGroupETL$'),
  'own-txn-etl': bootstrap => run(bootstrap, '^TestTxnEtl$'),
  'own-share-etl': bootstrap => run(bootstrap, '^TestShareGroup(ETL|AckOnClose|OffsetsAdmin)$'),
  // TestConsumeRegex and Test848RegexBrokerResolves look for Kafka's topic of offsets, which Varve does not have.
  'own-consumer': bootstrap =>
    run(bootstrap, '^Test(Issue|ConsumeTopic|ConsumeMax|Direct|AddRemove|Pause|Pooling|GroupSimple|Hook|Client_|Ping)'),
}

async function run(bootstrap: string, tests: string): Promise<void> {
  const program = process.env.FRANZ_GO_TESTS
  if (program === undefined) throw new Error('FRANZ_GO_TESTS must name the compiled tests')
  const environment = [`KGO_SEEDS=${bootstrap}`, 'KGO_TEST_RF=1', `KGO_TEST_RECORDS=${RECORDS}`, 'KGO_LOG_LEVEL=none']
  const args = [...environment, program, '-test.run', tests, '-test.timeout', '170s']
  const { code, stdout, stderr } = await tryCommand('env', args)
  if (code !== 0) throw new Error(`${stdout}${stderr}`.slice(-OUTPUT_KEPT))
}

await runCases(cases)
