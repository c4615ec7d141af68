/**
 * Upkeep of transactional ids: one that nobody has used for `transactional.id.expiration.ms`, and that has no transaction open or
 * decided and not finished, is forgotten. Who comes back with it asks for a producer id (InitProducerId) and gets a fresh one;
 * who goes on without asking is told INVALID_PRODUCER_ID_MAPPING, as by Kafka.
 *
 * Why a frozen producer, or a frozen gateway, gains nothing by that (I5):
 * - The number of a transaction and the epoch count anew, but for a producer id that nobody had before (the counter never goes
 *   back, and an id is never given twice). All fencing is by producer id: in the partitions, in blocks of offsets, and here.
 *   So (id, epoch, number) of the first life equals none of the second.
 * - A request of the first life finds no document, or one with another producer id, and is refused. A batch, marker or staged
 *   offset that a gateway let in before, and that arrives now, is judged by its partition or block, which this does not touch.
 * - A change of the first life's document that was delayed on its way expects a version that is gone. The write that made it expects no
 *   document, and would bring the first producer id back with its numbers counted anew: it checks what this write changes (lib/lifetimes).
 * - Somebody uses the id between the look and the write: the write expects the document as it was read, and fails.
 * - The transaction was Ongoing until just now: whoever ended it wrote `changedAt`, and it is not idle. One that is overdue is
 *   aborted by its watch first, and counts from then.
 *
 * The pass is also the net under those watches: the write that began a transaction may have come to pass after its process had died, and
 * after others had looked for what it left.
 */
import type { Clock, Random } from '../base/index.ts'
import { jobForEach, type UpkeepJob } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import type { TransactionDocument } from './transaction-document.ts'
import { TransactionItems } from './transaction-items.ts'

export interface TransactionExpiryParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  /** Finishes what was decided, and watches over what is under way. Absent where no process lives long enough. */
  readonly watch?: (transactionalId: string) => Promise<void>
}

export interface TransactionExpirySettings {
  /** `transactional.id.expiration.ms` */
  readonly transactionalIdExpirationMs: number
  /** `transaction.remove.expired.transaction.cleanup.interval.ms` */
  readonly intervalMs: number
}

export function expireTransactionalIdsJob(
  parts: TransactionExpiryParts,
  { transactionalIdExpirationMs, intervalMs }: TransactionExpirySettings,
): UpkeepJob {
  const items = new TransactionItems(parts)
  return jobForEach({
    name: 'expire-transactional-ids',
    intervalMs,
    list: () => items.listIds(),
    keyOf: id => `transactional-id/${id}`,
    work: async (id, pass) => {
      const { document, version } = await items.read(id)
      if (!document || version === 'absent') return false
      if (!isIdle(document)) {
        if (!pass.dry) await parts.watch?.(id)
        return false
      }
      if (parts.clock.now() - document.changedAt < transactionalIdExpirationMs) return false
      pass.tell(`transactional id ${id}`, 'nobody has used it for long')
      if (!pass.dry) await items.remove(id, version)
      return true
    },
  })
}

function isIdle({ state }: TransactionDocument): boolean {
  return state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
}
