/** Which storage class an extent belongs in: old enough by its newest record, and large enough to be cheaper there. Pure. */
import { STORAGE_CLASSES, type StorageClass } from '../../../storage/index.ts'
import type { Extent, StoredExtent } from '../../extent/extent-item.ts'
import { numberConfig, textConfig } from '../../topics/topic-configs.ts'
import { REPLACED_MAX } from './replace-extents.ts'
import type { CompactionSettings } from './settings.ts'

export interface ClassRule {
  readonly storageClass: StorageClass
  /** Wall clock, ms since 1970: the newest record must be older. */
  readonly olderThan: number
  readonly bytesMin: number
}

/** Undefined: all stay where the store puts them. */
export function classRule(
  configs: Readonly<Record<string, string>>,
  settings: Pick<CompactionSettings, 'classBytesMin'>,
  now: number,
): ClassRule | undefined {
  const afterMs = numberConfig(configs, 'varve.storage.class.after.ms')
  const name = textConfig(configs, 'varve.storage.class')
  const storageClass = STORAGE_CLASSES.find(known => known === name)
  if (afterMs < 0 || !storageClass) return undefined
  return { storageClass, olderThan: now - afterMs, bytesMin: settings.classBytesMin }
}

/** Of a new extent with these records. */
export function classOf(
  rule: ClassRule | undefined,
  { maxTimestamp, bytes }: Pick<Extent, 'maxTimestamp' | 'bytes'>,
): StorageClass | undefined {
  return rule && bytes >= rule.bytesMin && maxTimestamp < rule.olderThan ? rule.storageClass : undefined
}

/**
 * Runs of neighbours that are to be rewritten into the class, one new extent each. What lies in a class already is never moved
 * again, for it is paid for its shortest time; what is shared stays, for its object would be kept beside the new one.
 */
export async function* runsToMove(
  extents: AsyncIterable<StoredExtent>,
  rule: ClassRule,
  extentBytesMax: number,
): AsyncGenerator<readonly StoredExtent[]> {
  let run: StoredExtent[] = []
  let bytes = 0
  for await (const extent of extents) {
    const last = run.at(-1)
    const joins = extent.storageClass === undefined && !extent.shared && extent.maxTimestamp < rule.olderThan
    const follows =
      last?.to === extent.from &&
      last.cleaned === extent.cleaned &&
      run.length < REPLACED_MAX &&
      bytes + extent.bytes <= extentBytesMax
    if (joins && follows) {
      run.push(extent)
      bytes += extent.bytes
      continue
    }
    if (run.length > 0 && bytes >= rule.bytesMin) yield run
    run = joins ? [extent] : []
    bytes = joins ? extent.bytes : 0
  }
  if (run.length > 0 && bytes >= rule.bytesMin) yield run
}
