import { dynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local.ts'
import type { Requirement } from '../support/requirement.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import { createVarveServer, type VarveServer } from '../support/varve-server.ts'
import type { Cluster } from './flights-job.ts'

/** An S3 server and DynamoDB Local. */
export const cloudStores: Requirement = { missing: s3Server.missing ?? dynamoDbLocal.missing }

const flushBudget = '10000'

/** `size` gateway processes over one bucket and one table; a crash takes one after the other. */
export async function createCloudCluster(size: number): Promise<Cluster> {
  const [s3, dynamoDb] = await Promise.all([startS3Server(), startDynamoDbLocal()])
  const args = [
    '--objects',
    `s3://varve/flights?${place(s3.endpoint)}`,
    '--items',
    `dynamodb://varve?${place(dynamoDb.endpoint)}`,
    '--flush-budget',
    flushBudget,
  ]
  const env = { AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey }
  const gateways = await Promise.all(Array.from({ length: size }, () => createVarveServer({ args, env })))
  let crashes = 0
  return {
    bootstrap: gateways.map(gateway => gateway.bootstrap).join(','),
    start: () => startInTurn(gateways),
    crash: async () => {
      const gateway = gateways[crashes++ % gateways.length]!
      await gateway.kill()
      await gateway.start()
    },
    stop: async () => {
      await Promise.all(gateways.map(gateway => gateway.stop()))
      await Promise.all([s3.stop(), dynamoDb.stop()])
    },
  }
}

function place(endpoint: string): string {
  return `region=us-east-1&endpoint=${encodeURIComponent(endpoint)}`
}

/** The first makes bucket and table. */
async function startInTurn(gateways: readonly VarveServer[]): Promise<void> {
  for (const gateway of gateways) await gateway.start()
}
