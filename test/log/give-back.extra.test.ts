import { test } from 'vitest'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { retryItems, retryObjects } from '../../lib/storage/index.ts'
import { cloudStores } from '../support/cloud-stores.ts'
import { startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { describeWith } from '../support/requirement.ts'
import { startS3Server } from '../support/s3-server.ts'
import { addressOf, openItems, openObjects } from '../support/store-address.ts'
import { expectAllGivenBack } from './give-back.ts'

describeWith(cloudStores, 'S3 and DynamoDB', () => {
  test('hold nothing but what is alive', { timeout: 600_000 }, async () => {
    const [s3, dynamoDb] = await Promise.all([startS3Server(), startDynamoDbLocal({ inMemory: true })])
    const surroundings = { clock: systemClock, random: systemRandom }
    const objects = await openObjects({ kind: 's3', server: addressOf(s3), bucket: 'varve' })
    const items = await openItems({ kind: 'dynamodb', server: addressOf(dynamoDb), table: 'varve' })
    try {
      await expectAllGivenBack({
        objects: retryObjects(objects, { ...surroundings, uniqueKeys: true }),
        items: retryItems(items, surroundings),
      })
    } finally {
      await objects.close()
      await items.close()
      await Promise.all([s3.stop(), dynamoDb.stop()])
    }
  })
})
