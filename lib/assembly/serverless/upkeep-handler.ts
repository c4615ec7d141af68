/** The log's upkeep on a schedule. */
import { forgetOldClaims } from '../../ingest/index.ts'
import type { LambdaContext } from './lambda-context.ts'
import { functionVarve } from './open-varve.ts'
import { atItsPace } from './pace.ts'

interface UpkeepAnswer {
  /** False: it was not its time. */
  readonly ran: boolean
}

/** Of the schedule, unless VARVE_UPKEEP_MINUTES says otherwise. */
const INTERVAL_MINUTES = 5
const MINUTE_MS = 60_000

export function upkeepHandler(): (event: unknown, context: LambdaContext) => Promise<UpkeepAnswer> {
  return async () => {
    const varve = functionVarve()
    const intervalMs = Number(process.env.VARVE_UPKEEP_MINUTES ?? INTERVAL_MINUTES) * MINUTE_MS
    return varve.invoke('upkeep', async () => {
      const ran = await atItsPace({ ...varve, intervalMs }, async () => (await forgetOldClaims(varve)) > 0)
      return { ran }
    })
  }
}
