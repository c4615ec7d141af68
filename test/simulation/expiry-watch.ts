/**
 * Sees committed offsets and groups go from the store, whoever removes them: an offset only while nobody is in its group, and
 * never under an open transaction (by the documents, at that very moment: no clock is asked). The checker of histories is told, and
 * allows nothing else to be gone.
 */
import { decodeGroupDocument, type GroupDocument, isEmptyGroup } from '../../lib/groups/group-document.ts'
import { GROUP_KINDS, groupKindOf } from '../../lib/groups/group-kinds.ts'
import { decodeOffsetsBlock, type OffsetsBlock } from '../../lib/groups/offsets-block.ts'
import type { WriteOperation } from '../../lib/storage/index.ts'
import type { Operation, Violation } from './checker/index.ts'
import type { World } from './world/world.ts'

interface Seen {
  group: GroupDocument | undefined
  readonly blocks: Map<string, OffsetsBlock>
}

const GROUP_PREFIX = 'group#'
const BLOCK_PREFIX = 'o#'

export function watchExpiry(world: World, history: Operation[], violations: Violation[]) {
  const groups = new Map<string, Seen>()
  return (operations: readonly WriteOperation[]): void => {
    for (const operation of operations) {
      const { kind, key } = operation
      if (kind === 'check' || !key.pk.startsWith(GROUP_PREFIX)) continue
      const value = kind === 'put' ? operation.value : undefined
      const group = key.pk.slice(GROUP_PREFIX.length)
      const seen = groups.get(group) ?? { group: undefined, blocks: new Map() }
      groups.set(group, seen)
      if (key.sk.startsWith(BLOCK_PREFIX)) {
        const before = seen.blocks.get(key.sk)
        const after = value && decodeOffsetsBlock(value)
        if (before) noteGone(group, seen.group, before, after)
        if (after) seen.blocks.set(key.sk, after)
        else seen.blocks.delete(key.sk)
      }
    }
    // A group's document last: what goes with it is judged by what it was.
    for (const operation of operations) {
      const { kind, key } = operation
      if (kind === 'check' || !key.pk.startsWith(GROUP_PREFIX) || key.sk !== 'doc') continue
      const value = kind === 'put' ? operation.value : undefined
      const group = key.pk.slice(GROUP_PREFIX.length)
      const seen = groups.get(group) ?? { group: undefined, blocks: new Map() }
      groups.set(group, seen)
      if (!value && seen.group) noteEnd(group, seen)
      seen.group = value && groupKindOf(value) !== GROUP_KINDS.share ? decodeGroupDocument(value) : undefined
    }
  }

  function noteGone(
    group: string,
    document: GroupDocument | undefined,
    before: OffsetsBlock,
    after: OffsetsBlock | undefined,
  ): void {
    if (!document || before.incarnation !== document.incarnation) return
    const staged = new Set(before.staged.map(({ partition }) => partition))
    for (const [partition, { offset }] of before.offsets) {
      if (after?.incarnation === before.incarnation && after.offsets.has(partition)) continue
      world.count('offset expired')
      const at = world.tick()
      history.push({ kind: 'expiry', group, partition: String(partition), invoked: at, completed: at })
      const what = `${offset} for ${partition} of ${group} went`
      if (!isEmptyGroup(document))
        violations.push({ property: 'false-expiry', what: `${what} while somebody was in it` })
      if (staged.has(partition))
        violations.push({ property: 'false-expiry', what: `${what} under an open transaction` })
    }
    if (!after && before.staged.length > 0)
      violations.push({ property: 'false-expiry', what: `a block of ${group} went with what is staged in it` })
  }

  function noteEnd(group: string, { group: document, blocks }: Seen): void {
    world.count('group expired')
    const at = world.tick()
    history.push({ kind: 'expiry', group, partition: undefined, invoked: at, completed: at })
    const left = [...blocks].filter(
      ([, { incarnation, offsets }]) => incarnation === document?.incarnation && offsets.size > 0,
    )
    for (const [sk] of left) violations.push({ property: 'false-expiry', what: `${group} went, and left ${sk}` })
    if (document && !isEmptyGroup(document))
      violations.push({ property: 'false-expiry', what: `${group} went while somebody was in it` })
  }
}
