/**
 * AlterUserScramCredentials, version 0 (KIP-554).
 *
 * Departures from Apache Kafka: connections are not authenticated, so credentials are not kept, and setting one is refused
 * with UNSUPPORTED_SASL_MECHANISM.
 */
import { AlterUserScramCredentials } from '../../protocol/index.ts'
import { type ErrorName, errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

const mechanisms = [1, 2]
const iterationsMin = 4_096
const iterationsMax = 16_384

type Flaw = readonly [ErrorName, string]

export const alterUserScramCredentials = handler(AlterUserScramCredentials, {
  handle({ deletions, upsertions }) {
    const refused = [
      ...deletions.map(({ name, mechanism }): [string, Flaw] => [
        name,
        flawOf(name, mechanism) ?? ['RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist'],
      ]),
      ...upsertions.map(({ name, mechanism, iterations }): [string, Flaw] => [
        name,
        flawOf(name, mechanism) ??
          flawOfIterations(iterations) ?? [
            'UNSUPPORTED_SASL_MECHANISM',
            'Varve does not authenticate connections, so it keeps no credentials.',
          ],
      ]),
    ]
    return {
      throttleTimeMs: 0,
      results: refused.map(([user, [error, errorMessage]]) => ({ user, errorCode: errorCodes[error], errorMessage })),
    }
  },
})

function flawOf(name: string, mechanism: number): Flaw | undefined {
  if (name === '') return ['UNACCEPTABLE_CREDENTIAL', 'Username must not be empty']
  return mechanisms.includes(mechanism) ? undefined : ['UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism']
}

function flawOfIterations(iterations: number): Flaw | undefined {
  if (iterations < iterationsMin) return ['UNACCEPTABLE_CREDENTIAL', 'Too few iterations']
  return iterations > iterationsMax ? ['UNACCEPTABLE_CREDENTIAL', 'Too many iterations'] : undefined
}
