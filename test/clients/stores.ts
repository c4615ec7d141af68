/** The servers that clients run against, one for each kind of stores. */
import { dynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { s3Server, startS3Server } from '../support/s3-server.ts'
import type { TestServer } from '../support/server-process.ts'
import { createTestServer, createVarveServer } from '../support/varve-server.ts'

export const STORE_NAMES = ['embedded', 'aws'] as const
export type StoresName = (typeof STORE_NAMES)[number]

export interface Stores {
  /** A server with stores of its own; not started yet. */
  createServer(): Promise<TestServer>
  stop(): Promise<void>
}

/** Why these stores cannot be had here, or undefined where they can. */
export function storesMissing(name: StoresName): string | undefined {
  return name === 'aws' ? (s3Server.missing ?? dynamoDbLocal.missing) : undefined
}

export async function openStores(name: StoresName): Promise<Stores> {
  return name === 'aws' ? openAwsStores() : { createServer: createTestServer, stop: async () => {} }
}

/** A bucket and a table for each server. Flushes cost nothing here, so they need not wait for money. */
async function openAwsStores(): Promise<Stores> {
  const s3 = await startS3Server()
  const dynamoDb = await startDynamoDbLocal({ inMemory: true })
  let servers = 0
  return {
    createServer: () => {
      const name = `clients-${++servers}`
      const query = (endpoint: string) => `region=us-east-1&endpoint=${encodeURIComponent(endpoint)}`
      return createVarveServer({
        args: [
          ...['--objects', `s3://${name}/log?${query(s3.endpoint)}`],
          ...['--items', `dynamodb://${name}?${query(dynamoDb.endpoint)}`],
          ...['--flush-budget', '1000000'],
        ],
        env: {
          AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
        },
      })
    },
    stop: async () => {
      await Promise.all([s3.stop(), dynamoDb.stop()])
    },
  }
}
