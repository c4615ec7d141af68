/** Stores by an address of plain data, so that a test and the processes it starts open the same one. */
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import {
  createDynamoDbClient,
  createS3Client,
  ensureBucket,
  ensureTable,
  openDynamoDbItems,
  openS3Objects,
} from '../../lib/storage/aws/index.ts'
import type { ItemStore, ObjectStore } from '../../lib/storage/index.ts'
import { openFileObjects, openJournaledItems, openLmdbItems } from '../../lib/storage/local/index.ts'
import type { StoreServer } from './store-server.ts'

export type ServerAddress = Pick<StoreServer, 'endpoint' | 'credentials'>

export type ObjectsAddress =
  | { readonly kind: 'files'; readonly folder: string }
  | { readonly kind: 's3'; readonly server: ServerAddress; readonly bucket: string; readonly prefix?: string }

/** `journal: false`: LMDB alone, as where processes share a folder. */
export type ItemsAddress =
  | { readonly kind: 'lmdb'; readonly folder: string; readonly mappedBytesMax?: number; readonly journal?: false }
  | { readonly kind: 'dynamodb'; readonly server: ServerAddress; readonly table: string }

/** Makes the bucket where it is missing. */
export async function openObjects(address: ObjectsAddress): Promise<ObjectStore> {
  if (address.kind === 'files') return openFileObjects({ folder: address.folder, random: systemRandom })
  const client = createS3Client(address.server)
  await ensureBucket(client, address.bucket)
  const { bucket, prefix } = address
  return openS3Objects({ client, bucket, ...(prefix === undefined ? {} : { prefix }) })
}

/** Makes the table where it is missing. */
export async function openItems(address: ItemsAddress): Promise<ItemStore> {
  if (address.kind === 'lmdb') {
    const { kind: _, journal = true, ...options } = address
    const open = journal ? openJournaledItems : openLmdbItems
    return open({ ...options, clock: systemClock, random: systemRandom })
  }
  const client = createDynamoDbClient(address.server)
  await ensureTable(client, address.table, systemClock)
  return openDynamoDbItems({ client, table: address.table, clock: systemClock, random: systemRandom })
}

/** The part that a child process needs of a server. */
export function addressOf({ endpoint, credentials }: ServerAddress): ServerAddress {
  return { endpoint, credentials }
}
