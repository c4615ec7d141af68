/**
 * The two stores where the config says they are, each counted and retried. The AWS SDK is loaded only where it is used,
 * because loading it takes longer than all the rest of the start.
 */
import { join } from 'node:path'
import { ARCHIVE_FOLDER, type TableCatalog } from '../archive/index.ts'
import type { Clock, Random } from '../base/index.ts'
import type { LogPrices } from '../log/index.ts'
import type { SignedService, SignRequest } from '../storage/aws/index.ts'
import {
  type ItemStore,
  meterItems,
  meterObjects,
  type ObjectStore,
  type PublishedFiles,
  retryItems,
  retryObjects,
  StoreError,
  StoreMeter,
  type StoreUsage,
} from '../storage/index.ts'
import type { CatalogLocation } from './catalog-location.ts'
import { ConfigError } from './config-error.ts'
import { awsLogPrices } from './log-prices.ts'
import { bucketFiles, openCatalog } from './open-catalog.ts'
import type { ItemsLocation, ObjectsLocation, ServicePlace } from './store-location.ts'

export interface Stores {
  readonly objects: ObjectStore
  readonly items: ItemStore
  /** Of the tables of archived topics. */
  readonly archives: PublishedFiles
  /** Of those that are made from now on. */
  readonly catalog: TableCatalog | undefined
  /** Absent where the stores cost nothing. */
  readonly prices: LogPrices | undefined
  usage(): StoreUsage
  close(): Promise<void>
}

interface Locations {
  readonly objects: ObjectsLocation
  readonly items: ItemsLocation
  readonly catalog?: CatalogLocation | undefined
}

interface Surroundings {
  readonly clock: Clock
  readonly random: Random
}

/** @throws ConfigError */
export async function openStores({ objects, items, catalog }: Locations, surroundings: Surroundings): Promise<Stores> {
  try {
    const opened = await Promise.all([openObjects(objects, surroundings), openItems(items, surroundings)])
    const archives = await openArchives(objects, surroundings)
    const filesAt = await tableFiles(objects, surroundings)
    const meter = new StoreMeter()
    return {
      // Every key has an id of its own, so one that is taken on a retry was taken by the first try.
      objects: retryObjects(meterObjects(opened[0], meter), { ...surroundings, uniqueKeys: true }),
      items: retryItems(meterItems(opened[1], meter), surroundings),
      archives,
      catalog: catalog && openCatalog(catalog, { ...surroundings, filesAt, signerOf }),
      prices: objects.kind === 'file' && items.kind === 'lmdb' ? undefined : awsLogPrices(),
      usage: () => meter.usage(),
      close: async () => {
        await Promise.all(opened.map(store => store.close()))
      },
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new ConfigError(`Cannot open the stores: ${error.message}. Check --data, --objects and --items.`, {
      cause: error,
    })
  }
}

/** Items alone, retried; `close` it. @throws StoreError */
export async function openItemStore(location: ItemsLocation, surroundings: Surroundings): Promise<ItemStore> {
  return retryItems(await openItems(location, surroundings), surroundings)
}

async function openObjects(location: ObjectsLocation, { random }: Surroundings): Promise<ObjectStore> {
  if (location.kind === 'file') {
    const { openFileObjects } = await import('../storage/local/index.ts')
    return openFileObjects({ folder: location.folder, random })
  }
  const { createS3Client, ensureBucket, openS3Objects } = await import('../storage/aws/index.ts')
  const { bucket, prefix } = location
  const client = createS3Client(clientOptionsOf(location))
  if (location.endpoint) await ensureBucket(client, bucket)
  return openS3Objects({ client, bucket, prefix })
}

async function openArchives(location: ObjectsLocation, surroundings: Surroundings): Promise<PublishedFiles> {
  if (location.kind === 'file') {
    const { openPublishedFolder } = await import('../storage/local/index.ts')
    return openPublishedFolder(join(location.folder, ARCHIVE_FOLDER), surroundings.random)
  }
  const { createS3Client, openPublishedBucket } = await import('../storage/aws/index.ts')
  const prefix = location.prefix === '' ? ARCHIVE_FOLDER : `${location.prefix}/${ARCHIVE_FOLDER}`
  return openPublishedBucket(
    { client: createS3Client(clientOptionsOf(location)), bucket: location.bucket, prefix },
    surroundings,
  )
}

async function signerOf(service: SignedService): Promise<SignRequest> {
  return (await import('../storage/aws/index.ts')).createRequestSigner(service)
}

/** By their locations, the files of tables in a catalog: in S3, and where the objects are in a folder, in folders too. */
async function tableFiles(
  location: ObjectsLocation,
  surroundings: Surroundings,
): Promise<(place: string) => PublishedFiles | undefined> {
  if (location.kind === 'file') {
    const { openPublishedFolder } = await import('../storage/local/index.ts')
    return place => {
      const folder = /^(?:file:(?:\/\/)?)?(\/.+)$/.exec(place)?.[1]
      return folder === undefined ? undefined : openPublishedFolder(folder, surroundings.random)
    }
  }
  const { createS3Client, openPublishedBucket } = await import('../storage/aws/index.ts')
  const client = createS3Client(clientOptionsOf(location))
  return place => bucketFiles(place, (bucket, prefix) => openPublishedBucket({ client, bucket, prefix }, surroundings))
}

async function openItems(location: ItemsLocation, { clock, random }: Surroundings): Promise<ItemStore> {
  if (location.kind === 'lmdb') {
    const { openJournaledItems } = await import('../storage/local/index.ts')
    return openJournaledItems({ folder: location.folder, clock, random })
  }
  const { createDynamoDbClient, ensureTable, openDynamoDbItems } = await import('../storage/aws/index.ts')
  const client = createDynamoDbClient(clientOptionsOf(location))
  if (location.endpoint) await ensureTable(client, location.table, clock)
  return openDynamoDbItems({ client, table: location.table, clock, random })
}

function clientOptionsOf({ endpoint, region }: ServicePlace) {
  return {
    ...(region ? { region } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(endpoint && !hasCredentials() ? { credentials: emulatorCredentials } : {}),
  }
}

/** Emulators want some credentials, and most of them take any. */
const emulatorCredentials = { accessKeyId: 'varve', secretAccessKey: 'varve' }

function hasCredentials(): boolean {
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE } = process.env
  return Boolean(AWS_ACCESS_KEY_ID ?? AWS_PROFILE)
}
