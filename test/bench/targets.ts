import { createApacheKafka } from '../support/apache-kafka.ts'
import { startCloudStores } from '../support/cloud-stores.ts'
import type { TestServer } from '../support/server-process.ts'
import { createVarveServer } from '../support/varve-server.ts'
import type { StoreRequests } from './measurement.ts'

/** A server under measurement. */
export interface Target {
  readonly name: TargetName
  readonly server: TestServer
  /** Since its start. */
  storeRequests(): Promise<StoreRequests | undefined>
  /** Ends the server and what was started for it. */
  stop(): Promise<void>
}

export const targetNames = ['varve', 'varve-cloud', 'kafka'] as const
export type TargetName = (typeof targetNames)[number]

/** Varve's own default. */
const flushBudget = 30

/** `varve-cloud` is Varve over emulators of S3 and DynamoDB: for its requests and their price, not for its speed. */
export async function createTarget(name: TargetName): Promise<Target> {
  if (name === 'kafka') {
    const server = await createApacheKafka()
    return { name, server, storeRequests: async () => undefined, stop: () => server.stop() }
  }
  const stores = name === 'varve-cloud' ? await startCloudStores(flushBudget) : undefined
  const server = await createVarveServer(stores ?? {})
  return {
    name,
    server,
    storeRequests: () => readStoreRequests(server.http),
    stop: async () => {
      await server.stop()
      await stores?.stop()
    },
  }
}

async function readStoreRequests(http: string): Promise<StoreRequests | undefined> {
  const health = (await (await fetch(`http://${http}/healthz`)).json()) as {
    stores?: { objects: Record<string, number>; items: Record<string, number>; dollars: number }
  }
  if (!health.stores) return undefined
  const { objects, items, dollars } = health.stores
  const requests = [...Object.values(objects), ...Object.values(items)].reduce((a, b) => a + b, 0)
  return { requests, dollars }
}
