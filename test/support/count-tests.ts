/**
 * What the JSON reports in a folder say: `node count-tests.ts FOLDER` prints every failed test with the head of its
 * error, then, last, how many passed and failed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const errorLines = 12

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[]
  }[]
}

const folder = process.argv[2] ?? '.'
let passed = 0
let failed = 0
for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  const report: Report = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  for (const result of report.testResults) {
    const failures = result.assertionResults.filter(test => test.status === 'failed')
    for (const test of failures) {
      tell(result.name, test.fullName, test.failureMessages.join('\n'))
    }
    // A file that could not be loaded or whose hooks failed has no failed test of its own.
    if (failures.length === 0 && result.status === 'failed') {
      failed += 1
      tell(result.name, 'the file itself', result.message)
    }
  }
}
console.log(`${passed} ${failed}`)

function tell(file: string, test: string, error: string): void {
  console.log(`FAILED ${relative(process.cwd(), file)}: ${test}`)
  console.log(error.split('\n').slice(0, errorLines).join('\n'))
}
