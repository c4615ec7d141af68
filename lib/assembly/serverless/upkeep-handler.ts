/** The log's upkeep on a schedule: one pass, as long as the function may run. */
import { readStoresConfig, settings } from '../config.ts'
import { openUpkeep } from '../open-upkeep.ts'
import { type LambdaContext, workMs } from './lambda-context.ts'
import { functionVarve } from './open-varve.ts'
import { atItsPace, paceKey } from './pace.ts'

interface UpkeepAnswer {
  /** False: it was not its time. */
  readonly ran: boolean
  readonly findings: number
}

/** Of the schedule, unless VARVE_UPKEEP_MINUTES says otherwise. */
const INTERVAL_MINUTES = 5
const MINUTE_MS = 60_000

function upkeepConfig() {
  const { env } = process
  return readStoresConfig({
    offsetsRetention: env[settings.offsetsRetention.variable],
    transactionalIdExpiration: env[settings.transactionalIdExpiration.variable],
  }).upkeep
}

export function upkeepHandler(): (event: unknown, context: LambdaContext) => Promise<UpkeepAnswer> {
  return async (_event, context) => {
    const varve = functionVarve()
    const intervalMs = Number(process.env.VARVE_UPKEEP_MINUTES ?? INTERVAL_MINUTES) * MINUTE_MS
    return varve.invoke('upkeep', async () => {
      let findings = 0
      const ran = await atItsPace({ ...varve, key: paceKey, intervalMs }, async () => {
        const upkeep = openUpkeep(varve, upkeepConfig(), {
          owner: 'the upkeep function',
          shortLived: true,
        })
        try {
          const result = await upkeep.runOnce({ withinMs: workMs(context) })
          findings = result.findings
          for (const failure of result.failed) varve.logger.error('upkeep failed', failure)
          return findings > 0 || !result.complete
        } finally {
          await upkeep.close()
        }
      })
      return { ran, findings }
    })
  }
}
