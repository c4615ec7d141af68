/** The job of upkeep that removes API keys whose time was over a week ago. */
import type { Clock } from '../base/index.ts'
import { type UpkeepJob, upkeepIntervals } from '../log/index.ts'
import { expiredKeys } from '../security/index.ts'
import type { ItemStore } from '../storage/index.ts'

const FORGET_INTERVAL_MS = 3_600_000

export function forgetKeysJob(parts: { readonly items: ItemStore; readonly clock: Clock }): UpkeepJob {
  return {
    name: 'forget-keys',
    ...upkeepIntervals(FORGET_INTERVAL_MS),
    run: async pass => {
      if (!pass.isMine('keys')) return false
      let found = false
      for await (const { id, remove } of expiredKeys(parts)) {
        if (pass.signal.aborted) break
        found = true
        pass.tell(`API key ${id}`, 'its time was over a week ago')
        if (!pass.dry) await remove()
        await pass.pause()
      }
      return found
    },
  }
}
