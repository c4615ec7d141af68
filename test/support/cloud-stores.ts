import { dynamoDbLocal, startDynamoDbLocal } from './dynamodb-local.ts'
import type { Requirement } from './requirement.ts'
import { s3Server, startS3Server } from './s3-server.ts'

/** An S3 server and DynamoDB Local, and how `varve start` is told of them. */
export interface CloudStores {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  stop(): Promise<void>
}

export const cloudStores: Requirement = { missing: s3Server.missing ?? dynamoDbLocal.missing }

/** `flushBudget` in $ a month. */
export async function startCloudStores(flushBudget: number): Promise<CloudStores> {
  const [s3, dynamoDb] = await Promise.all([startS3Server(), startDynamoDbLocal()])
  const objects = `s3://varve/data?${place(s3.endpoint)}`
  const items = `dynamodb://varve?${place(dynamoDb.endpoint)}`
  const { accessKeyId, secretAccessKey } = s3.credentials
  return {
    args: ['--objects', objects, '--items', items, '--flush-budget', String(flushBudget)],
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    stop: async () => {
      await Promise.all([s3.stop(), dynamoDb.stop()])
    },
  }
}

function place(endpoint: string): string {
  return `region=us-east-1&endpoint=${encodeURIComponent(endpoint)}`
}
