import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CorruptDataError, InvariantError, OverloadedError, silentLogger } from '../../lib/base/index.ts'
import { errorCodeOf, errorCodes, errorNames } from '../../lib/broker/errors.ts'
import { LogError } from '../../lib/log/index.ts'
import { StoreError } from '../../lib/storage/index.ts'

/** Every code that a file of errors declares: the members of its unions of literals. */
async function codesIn(file: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, '../../lib', file), 'utf8')
  return [...text.matchAll(/^\s*(?:readonly code: |\| )((?:'[A-Z_0-9]+'(?: \| )?)+)/gm)].flatMap(match =>
    [...match[1]!.matchAll(/'([A-Z_0-9]+)'/g)].map(code => code[1]!),
  )
}

test.each(['log/errors.ts', 'records/errors.ts', 'groups/errors.ts', 'transactions/errors.ts', 'storage/ports.ts'])(
  'every code of %s has a Kafka error',
  async file => {
    const codes = await codesIn(file)
    expect(codes.length).toBeGreaterThan(3)
    for (const code of codes) expect(errorNames, code).toHaveProperty(code)
  },
)

test('every name in the table is one of Kafka, and none is success', () => {
  for (const [code, name] of Object.entries(errorNames)) {
    expect(errorCodes[name], code).toBeTypeOf('number')
    expect(errorCodes[name], code).not.toBe(0)
  }
})

test('errors become codes, and what only a bug can raise is logged', () => {
  const logged: string[] = []
  const logger = { ...silentLogger, error: (event: string) => void logged.push(event) }
  expect(errorCodeOf(new LogError('OFFSET_OUT_OF_RANGE', ''), logger)).toBe(1)
  expect(errorCodeOf(new StoreError('STORE_OUTCOME_UNKNOWN', ''), logger)).toBe(7)
  expect(errorCodeOf(new OverloadedError(''), logger)).toBe(19)
  expect(logged).toEqual([])
  expect(errorCodeOf(new InvariantError(''), logger)).toBe(-1)
  expect(errorCodeOf(new CorruptDataError(''), logger)).toBe(-1)
  expect(errorCodeOf(new TypeError('x is not a function'), logger)).toBe(-1)
  expect(logged.length).toBe(3)
})
