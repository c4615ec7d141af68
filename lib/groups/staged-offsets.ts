/**
 * What may happen to a block of offsets, as a value: an offset is committed at once, or staged by a transaction and
 * committed or dropped when that ends. Pure.
 *
 * A transaction that has ended in a block takes nothing more there, however late it comes (`ended`). Of two commits for
 * a partition the one given later counts, and a staged one was given when it was staged, as in Kafka.
 */
import type { GroupErrorCode } from './errors.ts'
import type { OffsetsBlock, StagedOffset, StoredOffset } from './offsets-block.ts'
import { ENDED_PRODUCERS_MAX } from './settings.ts'

export interface BlockDraft {
  readonly offsets: Map<number, StoredOffset>
  staged: StagedOffset[]
  readonly ended: Map<number, number>
}

export interface TransactionEnd {
  readonly producerId: number
  readonly transaction: number
  readonly outcome: 'commit' | 'abort'
}

/** `incarnation`: of the group now. */
export function draftOf(block: OffsetsBlock | undefined, incarnation: number): BlockDraft {
  const current = block?.incarnation === incarnation ? block : undefined
  return {
    offsets: new Map(current?.offsets),
    staged: [...(current?.staged ?? [])],
    ended: new Map(block?.ended),
  }
}

export function commitOffset(draft: BlockDraft, partition: number, stored: StoredOffset): void {
  draft.offsets.set(partition, stored)
  draft.staged = draft.staged.filter(staged => staged.partition !== partition)
}

export function refusalOfStaging(
  { ended }: Pick<OffsetsBlock, 'ended'>,
  { producerId, transaction }: Pick<StagedOffset, 'producerId' | 'transaction'>,
): GroupErrorCode | undefined {
  return transaction <= (ended.get(producerId) ?? 0) ? 'INVALID_TXN_STATE' : undefined
}

/** Whether the block would know if the transaction had ended in it. */
export function remembers(
  { ended, staged }: BlockDraft,
  { producerId, transaction }: Pick<StagedOffset, 'producerId' | 'transaction'>,
): boolean {
  return ended.has(producerId) || staged.some(one => one.producerId === producerId && one.transaction === transaction)
}

export function stageOffset(draft: BlockDraft, offset: StagedOffset): void {
  const { producerId, partition } = offset
  draft.staged = draft.staged.filter(staged => staged.producerId !== producerId || staged.partition !== partition)
  draft.staged.push(offset)
}

/** False: it had ended here already. */
export function endTransaction(draft: BlockDraft, { producerId, transaction, outcome }: TransactionEnd): boolean {
  if (transaction <= (draft.ended.get(producerId) ?? 0)) return false
  const staged = draft.staged
  draft.staged = []
  for (const offset of staged) {
    if (offset.producerId !== producerId) draft.staged.push(offset)
    else if (outcome === 'commit' && offset.transaction === transaction) {
      commitOffset(draft, offset.partition, offset.stored)
    }
  }
  draft.ended.delete(producerId)
  draft.ended.set(producerId, transaction)
  for (const oldest of draft.ended.keys()) {
    if (draft.ended.size <= ENDED_PRODUCERS_MAX) break
    draft.ended.delete(oldest)
  }
  return true
}
