/**
 * DescribeAcls, versions 1 to 3: there is no authorizer, so there are no ACLs.
 *
 * Departures from Apache Kafka: none known.
 */
import { DescribeAcls } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const describeAcls = handler(DescribeAcls, {
  handle: () => ({
    throttleTimeMs: 0,
    errorCode: errorCodes.SECURITY_DISABLED,
    errorMessage: 'No Authorizer is configured on the broker',
    resources: [],
  }),
})
