/**
 * DescribeUserScramCredentials, version 0 (KIP-554): there are none.
 *
 * Departures from Apache Kafka: none known.
 */
import { DescribeUserScramCredentials } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'
import { findRepeated } from '../repeated.ts'

export const describeUserScramCredentials = handler(DescribeUserScramCredentials, {
  handle({ users }) {
    const repeated = findRepeated(users ?? [], ({ name }) => name)
    const names = [...new Set((users ?? []).map(({ name }) => name))]
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: '',
      results: names.map(user => ({
        user,
        ...(repeated.has(user)
          ? {
              errorCode: errorCodes.DUPLICATE_RESOURCE,
              errorMessage: `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
            }
          : {
              errorCode: errorCodes.RESOURCE_NOT_FOUND,
              errorMessage: `Attempt to describe a user credential that does not exist: ${user}`,
            }),
        credentialInfos: [],
      })),
    }
  },
})
