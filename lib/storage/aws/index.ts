export type { AwsOptions } from './client-options.ts'
export { createDynamoDbClient, type DynamoDbItemsOptions, ensureTable, openDynamoDbItems } from './dynamodb-items.ts'
export { openPublishedBucket } from './published-bucket.ts'
export { createS3Client, ensureBucket, openS3Objects, type S3ObjectsOptions } from './s3-objects.ts'
