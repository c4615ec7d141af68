/**
 * The parts of a function: once a sandbox, and without work of their own between invocations. An append is flushed at once,
 * several of one turn in one segment; nothing polls. A sandbox may be frozen at any await and thawed hours later: its caches are
 * only ever used under compare-and-swap, and what it had under way fails or is found out by reading (I8).
 */
import { ARCHIVE_FOLDER } from '../../archive/index.ts'
import { type Clock, type Logger, type Random, systemClock, systemRandom } from '../../base/index.ts'
import { type Log, openLog } from '../../log/index.ts'
import {
  createDynamoDbClient,
  createS3Client,
  openDynamoDbItems,
  openPublishedBucket,
  openS3Objects,
} from '../../storage/aws/index.ts'
import {
  type ItemStore,
  meterItems,
  meterObjects,
  type ObjectStore,
  type PublishedFiles,
  retryItems,
  retryObjects,
  StoreMeter,
  type StoreUsage,
} from '../../storage/index.ts'
import { jsonLogger } from '../json-logger.ts'
import { type FunctionSettings, readFunctionSettings } from './function-settings.ts'
import { StoreActivity } from './store-activity.ts'

export interface FunctionVarve extends Pick<FunctionSettings, 'privateWebhooks'> {
  readonly log: Log
  readonly items: ItemStore
  readonly objects: ObjectStore
  readonly archives: PublishedFiles
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Does an invocation's work, waits until nothing is under way, and logs what it asked of the stores. */
  invoke<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** Slices of others that a reader meets again; appends need no cache. */
const CACHE_BYTES_MAX = 16 * 1_024 * 1_024
const SETTLE_MS_MAX = 3_000

let opened: FunctionVarve | undefined

/** The same one for the life of the sandbox. @throws ConfigError */
export function functionVarve(): FunctionVarve {
  opened ??= openVarve(readFunctionSettings(process.env))
  return opened
}

function openVarve({ bucket, prefix, table, privateWebhooks }: FunctionSettings): FunctionVarve {
  const logger = jsonLogger(line => process.stdout.write(line))
  const surroundings = { clock: systemClock, random: systemRandom, logger }
  const meter = new StoreMeter()
  const activity = new StoreActivity(systemClock)
  const client = createS3Client({})
  const objectStore = openS3Objects({ client, bucket, prefix })
  const archivePrefix = prefix === '' ? ARCHIVE_FOLDER : `${prefix}/${ARCHIVE_FOLDER}`
  const archives = openPublishedBucket({ client, bucket, prefix: archivePrefix }, surroundings)
  const itemStore = openDynamoDbItems({ client: createDynamoDbClient({}), table, ...surroundings })
  // Every key has an id of its own, so one that is taken on a retry was taken by the first try.
  const objects = activity.objects(
    retryObjects(meterObjects(objectStore, meter), { ...surroundings, uniqueKeys: true }),
  )
  const items = activity.items(retryItems(meterItems(itemStore, meter), surroundings))
  const log = openLog({
    ...surroundings,
    objects,
    items,
    flushBudget: Number.POSITIVE_INFINITY,
    cacheBytesMax: CACHE_BYTES_MAX,
  })
  const invoke = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = meter.usage()
    try {
      return await work()
    } finally {
      await activity.settle(SETTLE_MS_MAX)
      logger.info('invocation', { function: name, ...usedSince(before, meter.usage()) })
    }
  }
  return { ...surroundings, objects, items, archives, log, privateWebhooks, invoke }
}

/** Requests and list price of one invocation. */
function usedSince(before: StoreUsage, after: StoreUsage) {
  return {
    puts: after.objects.put - before.objects.put,
    gets: after.objects.get - before.objects.get,
    lists: after.objects.list - before.objects.list,
    itemWrites: after.items.write - before.items.write,
    itemReads: after.items.get + after.items.query - before.items.get - before.items.query,
    conflicts: after.conflicts - before.conflicts,
    failures: after.failures - before.failures,
    dollars: Number((after.dollars - before.dollars).toFixed(9)),
  }
}
