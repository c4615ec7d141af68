/**
 * Wrappers that count what goes through the ports: requests by operation, bytes, capacity units, and what it would
 * cost by list price. A failed request counts too (the services bill most of them); a retry inside an adapter does not.
 */
import { totalLength } from '../base/index.ts'
import { MULTIPART_BYTES } from './limits.ts'
import type {
  Item,
  ItemKey,
  ItemQuery,
  ItemStore,
  ObjectStore,
  PutOptions,
  UnfinishedPuts,
  WriteOperation,
} from './ports.ts'
import { objectPrices, priceOfReadUnits, priceOfWrite, readUnits, storagePrices, writeUnits } from './prices.ts'

/** Counts since the meter was made. */
export interface StoreUsage {
  readonly objects: Readonly<Record<'put' | 'get' | 'list' | 'delete', number>>
  readonly objectBytesWritten: number
  readonly objectBytesRead: number
  readonly items: Readonly<Record<'get' | 'query' | 'write', number>>
  /** Writes refused because an item stood in the way. */
  readonly conflicts: number
  readonly writeUnits: number
  readonly readUnits: number
  readonly failures: number
  /** List price of all of it, without storage and transfer. A read costs as one of S3's standard class. */
  readonly dollars: number
}

/** One meter may serve several stores. */
export class StoreMeter {
  readonly #objects = { put: 0, get: 0, list: 0, delete: 0 }
  readonly #items = { get: 0, query: 0, write: 0 }
  #objectBytesWritten = 0
  #objectBytesRead = 0
  #conflicts = 0
  #writeUnits = 0
  #readUnits = 0
  #failures = 0
  #dollars = 0

  usage(): StoreUsage {
    return {
      objects: { ...this.#objects },
      objectBytesWritten: this.#objectBytesWritten,
      objectBytesRead: this.#objectBytesRead,
      items: { ...this.#items },
      conflicts: this.#conflicts,
      writeUnits: this.#writeUnits,
      readUnits: this.#readUnits,
      failures: this.#failures,
      dollars: this.#dollars,
    }
  }

  countObjectRequest(operation: keyof typeof objectPrices): void {
    this.#objects[operation]++
    this.#dollars += objectPrices[operation]
  }

  /** A put, or a part of one. */
  countObjectPut({ storageClass }: PutOptions = {}): void {
    this.#objects.put++
    this.#dollars += storagePrices[storageClass ?? 'STANDARD'].put
  }

  countObjectWritten(bytes: number): void {
    this.#objectBytesWritten += bytes
  }

  countObjectRead(bytes: number): void {
    this.#objectBytesRead += bytes
  }

  countItemRead(operation: 'get' | 'query', items: readonly Item[]): void {
    const units = readUnits(items)
    this.#items[operation]++
    this.#readUnits += units
    this.#dollars += priceOfReadUnits(units)
  }

  countItemWrite(operations: readonly WriteOperation[]): void {
    this.#items.write++
    this.#writeUnits += writeUnits(operations)
    this.#dollars += priceOfWrite(operations)
  }

  countConflict(): void {
    this.#conflicts++
  }

  countFailure(): void {
    this.#failures++
  }
}

export function meterObjects(store: ObjectStore, meter: StoreMeter): ObjectStore {
  return {
    put: (key, parts, options) => {
      meter.countObjectPut(options)
      meter.countObjectWritten(totalLength(parts))
      return counted(meter, store.put(key, parts, options))
    },
    putStream: (key, open, options) => {
      const counting = async function* () {
        meter.countObjectPut(options)
        let bytes = 0
        for await (const part of open()) {
          const before = Math.floor(bytes / MULTIPART_BYTES)
          bytes += part.length
          const parts = Math.floor(bytes / MULTIPART_BYTES) - before
          for (let i = 0; i < parts; i++) meter.countObjectPut(options)
          meter.countObjectWritten(part.length)
          yield part
        }
      }
      return counted(meter, store.putStream(key, counting, options))
    },
    get: async (key, range, allocate) => {
      meter.countObjectRequest('get')
      const bytes = await counted(meter, store.get(key, range, allocate))
      meter.countObjectRead(bytes?.length ?? 0)
      return bytes
    },
    list: (prefix, options) => {
      meter.countObjectRequest('list')
      return counted(meter, store.list(prefix, options))
    },
    delete: keys => {
      meter.countObjectRequest('delete')
      return counted(meter, store.delete(keys))
    },
    ...(store.unfinishedPuts && { unfinishedPuts: meterUnfinishedPuts(store.unfinishedPuts, meter) }),
    close: () => store.close(),
  }
}

/** A listing of up to 1,000 is one request; giving one up costs as a delete. */
function meterUnfinishedPuts(puts: UnfinishedPuts, meter: StoreMeter): UnfinishedPuts {
  return {
    list: async function* () {
      meter.countObjectRequest('list')
      yield* puts.list()
    },
    giveUp: put => {
      meter.countObjectRequest('delete')
      return counted(meter, puts.giveUp(put))
    },
  }
}

export function meterItems(store: ItemStore, meter: StoreMeter): ItemStore {
  return {
    get: async (key: ItemKey) => {
      const item = await counted(meter, store.get(key))
      meter.countItemRead('get', item ? [item] : [])
      return item
    },
    query: async (pk: string, query?: ItemQuery) => {
      const page = await counted(meter, store.query(pk, query))
      meter.countItemRead('query', page.items)
      return page
    },
    write: async operations => {
      meter.countItemWrite(operations)
      const outcome = await counted(meter, store.write(operations))
      if (!outcome.written) meter.countConflict()
      return outcome
    },
    close: () => store.close(),
  }
}

async function counted<T>(meter: StoreMeter, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    meter.countFailure()
    throw error
  }
}
