import { dynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { describeWith } from '../support/requirement.ts'
import { addressOf } from '../support/store-address.ts'
import { describeItemStore } from './item-store.ts'

describeWith(dynamoDbLocal, 'DynamoDB Local', () =>
  describeItemStore('DynamoDB', async () => {
    const server = await startDynamoDbLocal({ inMemory: true })
    return { address: { kind: 'dynamodb', server: addressOf(server), table: 'varve' }, remove: () => server.stop() }
  }),
)
