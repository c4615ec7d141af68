import type { LogPrices } from '../log/index.ts'
import { objectPrices, priceOfItemRead, priceOfItemWrite } from '../storage/index.ts'

/** Segments up to this many bytes become items: the log's default. */
const itemSegmentBytesMax = 4 * 1024
/** A head as it usually is, with its share of chunks. */
const headBytes = 2 * 1024

/**
 * What appends and polls cost by list price on S3 and DynamoDB, over a segment's whole life: written, read once by
 * compaction, and deleted where it is an item.
 */
export function awsLogPrices(): LogPrices {
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
