/**
 * Changes of one block of committed offsets, one write at a time; those that wait go together in the next one. The order
 * of its steps is what keeps a member that was replaced from moving an offset (I6):
 *
 *   1. the block is read (or known from before),
 *   2. then the group's document is read, and says who may change it,
 *   3. then the block is written, if it is still the one of step 1.
 *
 * Whoever replaced the member writes the block between 1 and 3, which makes 3 fail, or has not committed yet. Checking
 * the group first would let a new owner commit in between and be overwritten.
 * A lost race or an unknown outcome begins again at 1, bounded. Setting the same offset twice does no harm.
 *
 * A new owner that only reads does not disturb 3: for offsets committed alone that is harmless. Those staged in a transaction
 * must not appear after it has read (it would process again what the transaction commits), so their write also checks
 * that the group's document is still the one of step 2 (KIP-447). The end of a transaction asks no group.
 *
 * A block remembers which transactions have ended in it, and with it that goes when the group expires. A request that stood still for all
 * that time must not stage anything for a transaction that nobody will end again: where the block knows nothing of the producer,
 * the write also checks the transaction's own document.
 *
 * A group that nobody is in is removed when its blocks have nothing any more, in a write that names the blocks there are: those
 * listed after its document was marked (group-expiry.ts). So a new block comes to be in a write that checks the document, and
 * where that is marked, the mark is taken away first.
 */
import { Mailbox } from '../base/index.ts'
import { type ItemKey, StoreError, type WriteOperation } from '../storage/index.ts'
import { GroupError, type GroupErrorCode } from './errors.ts'
import { type GroupDocument, REMOVER } from './group-document.ts'
import type { GroupItems, Read } from './group-items.ts'
import type { OffsetsBlock } from './offsets-block.ts'
import { CONFLICT_ATTEMPTS_MAX, LANE_QUEUE_MAX } from './settings.ts'
import { type BlockDraft, draftOf } from './staged-offsets.ts'

export interface OffsetChange {
  /** Why the group, read after the block, does not allow it, if it does not. */
  refusal(group: Read<GroupDocument>, draft: BlockDraft): GroupErrorCode | undefined
  /** Present: to be asked for a check that must hold when this is written; undefined: it does not, so nothing is. */
  condition?(draft: BlockDraft): Promise<WriteOperation | undefined> | undefined
  /** False: nothing had to change. */
  apply(draft: BlockDraft): boolean
  /** `made` where there is none; `unchanged` since it was read; or it does not matter. */
  readonly group: 'made' | 'unchanged' | 'any'
}

export interface OffsetLaneOptions {
  readonly groupId: string
  readonly key: ItemKey
  readonly items: GroupItems
  /** The document of a group that only stores offsets. */
  readonly newDocument: () => GroupDocument
}

interface Entry {
  readonly change: OffsetChange
  outcome: { readonly error: GroupErrorCode | undefined } | undefined
}

export class OffsetLane {
  readonly #options: OffsetLaneOptions
  readonly #mailbox = new Mailbox()
  #waiting: Entry[] = []
  #known: Read<OffsetsBlock> | undefined

  constructor(options: OffsetLaneOptions) {
    this.#options = options
  }

  /** Undefined: stored. */
  async submit(change: OffsetChange): Promise<GroupErrorCode | undefined> {
    if (this.#waiting.length >= LANE_QUEUE_MAX) return 'COORDINATOR_NOT_AVAILABLE'
    const entry: Entry = { change, outcome: undefined }
    this.#waiting.push(entry)
    await this.#mailbox.run(async () => {
      if (entry.outcome) return
      const entries = this.#waiting
      this.#waiting = []
      await this.#settle(entries)
    })
    return entry.outcome!.error
  }

  async #settle(entries: readonly Entry[]): Promise<void> {
    let failure: GroupErrorCode = 'COORDINATOR_NOT_AVAILABLE'
    try {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        if (await this.#attempt(entries.filter(entry => !entry.outcome))) break
        await this.#options.items.pause(attempt)
      }
    } catch (error) {
      this.#known = undefined
      if (!(error instanceof StoreError || error instanceof GroupError)) throw error
      if (error instanceof StoreError && error.effect === 'unknown') failure = 'REQUEST_TIMED_OUT'
    } finally {
      for (const entry of entries) entry.outcome ??= { error: failure }
    }
  }

  /** False: the race was lost. */
  async #attempt(entries: readonly Entry[]): Promise<boolean> {
    const { items, key, groupId } = this.#options
    const block = this.#known ?? (await items.readOffsets(key))
    const group = await this.#readGroup(entries, block.value)
    if (block.version === 'absent' && (await this.#takeMarkAway(group))) return false
    const incarnation = group.value?.incarnation ?? 0
    const draft = draftOf(block.value, incarnation)
    const allowed = entries.filter(entry => {
      const error = entry.change.refusal(group, draft)
      if (error) entry.outcome = { error }
      return !error
    })
    if (!group.value && allowed.some(({ change }) => change.group !== 'any')) return false
    const checks = await this.#conditionsOf(allowed, draft)
    const changed = allowed.filter(entry => !entry.outcome).filter(({ change }) => change.apply(draft)).length > 0
    if (changed) {
      const value = { incarnation, ...draft }
      const isNew = block.version === 'absent'
      const unchanged = isNew || allowed.some(({ change }) => change.group === 'unchanged')
      const checked = unchanged ? { groupId, version: group.version } : undefined
      const written = await items.writeOffsets(key, block.version, value, { group: checked, checks })
      this.#known = written === 'conflict' ? undefined : { value, version: written.version }
      if (written === 'conflict') return false
    }
    for (const entry of allowed) entry.outcome ??= { error: undefined }
    return true
  }

  /** Each once; whose condition does not hold is told so. */
  async #conditionsOf(entries: readonly Entry[], draft: BlockDraft): Promise<WriteOperation[]> {
    const checks = new Map<string, WriteOperation>()
    for (const entry of entries) {
      const asked = entry.change.condition?.(draft)
      if (!asked) continue
      const check = await asked
      if (check) checks.set(`${check.key.pk}/${check.key.sk}`, check)
      else entry.outcome = { error: 'INVALID_TXN_STATE' }
    }
    return [...checks.values()]
  }

  /** Whether it was there: then the group is to be read anew. */
  async #takeMarkAway({ value, version }: Read<GroupDocument>): Promise<boolean> {
    if (value?.coordinator !== REMOVER) return false
    await this.#options.items.writeGroup(this.#options.groupId, version, { ...value, coordinator: 0 })
    return true
  }

  /** Makes the group where there is none and a change that is allowed needs one, or makes a block: it goes with its group. */
  async #readGroup(entries: readonly Entry[], block: OffsetsBlock | undefined): Promise<Read<GroupDocument>> {
    const { items, groupId, newDocument } = this.#options
    const group = await items.readLivingGroup(groupId)
    if (group.value) return group
    const draft = draftOf(block, 0)
    const needed = entries.some(({ change }) => (change.group !== 'any' || !block) && !change.refusal(group, draft))
    if (!needed) return group
    await items.writeGroup(groupId, 'absent', newDocument())
    return items.readLivingGroup(groupId)
  }
}
