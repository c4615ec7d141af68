import { cloudStores } from '../support/cloud-stores.ts'
import { describeWith } from '../support/requirement.ts'
import { createCloudCluster } from './cloud-cluster.ts'
import { describeFlightsJob } from './flights-job.ts'

describeWith(cloudStores, 'S3 and DynamoDB', () => {
  describeFlightsJob('one process over S3 and DynamoDB', () => createCloudCluster(1))
})
