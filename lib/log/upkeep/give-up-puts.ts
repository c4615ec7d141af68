/**
 * Puts in parts that a killed process has left. They are given up once they are older than any put takes; one that is still under way
 * then fails, and its compaction begins anew: nothing refers to an object that is not there yet.
 */
import type { Clock } from '../../base/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import type { UpkeepPass } from './upkeep.ts'

/** A put is never given up before this, whatever the grace of sweeps. */
const PUT_MS_MAX = 2 * 3_600_000

/** Whether there were any. @throws StoreError */
export async function giveUpPuts(
  { objects, clock }: { readonly objects: ObjectStore; readonly clock: Clock },
  graceMs: number,
  pass: UpkeepPass,
): Promise<boolean> {
  const puts = objects.unfinishedPuts
  if (!puts) return false
  const before = clock.now() - Math.max(PUT_MS_MAX, graceMs)
  let found = false
  for await (const put of puts.list()) {
    if (pass.signal.aborted) break
    if (put.begunAt >= before) continue
    found = true
    pass.tell(put.key, 'a put that was begun long ago and has not ended')
    if (!pass.dry) await puts.giveUp(put)
    await pass.pause()
  }
  return found
}
