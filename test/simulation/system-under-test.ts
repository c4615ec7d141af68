import { Groups } from '../../lib/groups/index.ts'
import { openLog } from '../../lib/log/index.ts'
import type { SystemUnderTest } from './system.ts'

/** Dollars a flush and a poll of a head cost where the budget is finite. */
const PRICES = { flush: () => 5e-6, poll: 0.25e-6 }

export const system: SystemUnderTest = {
  start: async ({ tuning, ...parts }) => {
    const { thrifty, groups: settings, ...sizes } = tuning
    const log = openLog({ ...parts, ...sizes, flushBudget: thrifty ? 30 : Infinity, prices: PRICES })
    const groups = new Groups({ ...parts, settings })
    const close = async () => {
      await groups.close()
      await log.close()
    }
    return { log, groups, close }
  },
}
