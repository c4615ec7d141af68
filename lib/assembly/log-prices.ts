import type { LogPrices } from '../log/index.ts'
import { objectPrices, priceOfItemRead, priceOfItemWrite } from '../storage/index.ts'

/** A head as it usually is, with its share of chunks. */
const headBytes = 2 * 1024

/**
 * What appends and polls cost by list price on S3 and DynamoDB, over a segment's whole life: written, read once by
 * compaction, and deleted where it is an item.
 */
export function awsLogPrices(itemSegmentBytesMax: number): LogPrices {
  return {
    flush: (bytes, shards) => {
      const segment =
        bytes <= itemSegmentBytesMax
          ? priceOfItemWrite(bytes) * 2 + priceOfItemRead(bytes)
          : objectPrices.put + objectPrices.get
      return segment + shards * priceOfItemWrite(headBytes)
    },
    poll: priceOfItemRead(headBytes),
  }
}
