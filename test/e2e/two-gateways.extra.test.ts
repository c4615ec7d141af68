import { describeWith } from '../support/requirement.ts'
import { describeFlightsJob } from './flights-job.ts'
import { cloudStores, createCloudCluster } from './stores.ts'

describeWith(cloudStores, 'S3 and DynamoDB', () => {
  describeFlightsJob('two gateways over S3 and DynamoDB', () => createCloudCluster(2))
})
