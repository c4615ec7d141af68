/** The log's upkeep on a schedule: one pass, as long as the function may run. */
import type { TableCatalog } from '../../archive/index.ts'
import { createRequestSigner, createS3Client, openPublishedBucket } from '../../storage/aws/index.ts'
import { readStoresConfig, secretSettings, settings } from '../config.ts'
import { bucketFiles, openCatalog } from '../open-catalog.ts'
import { openUpkeep } from '../open-upkeep.ts'
import { type LambdaContext, workMs } from './lambda-context.ts'
import { type FunctionVarve, functionVarve } from './open-varve.ts'
import { atItsPace, paceKey } from './pace.ts'

interface UpkeepAnswer {
  /** False: it was not its time. */
  readonly ran: boolean
  readonly findings: number
}

/** Of the schedule, unless VARVE_UPKEEP_MINUTES says otherwise. */
const INTERVAL_MINUTES = 5
const MINUTE_MS = 60_000

/** Here alone, so that the other functions need not load what asks a catalog. */
function catalogOf({ catalog }: ReturnType<typeof upkeepConfig>, varve: FunctionVarve): TableCatalog | undefined {
  if (!catalog) return undefined
  const client = createS3Client({})
  const filesAt = (place: string) =>
    bucketFiles(place, (bucket, prefix) => openPublishedBucket({ client, bucket, prefix }, varve))
  return openCatalog(catalog, { ...varve, filesAt, signerOf: async service => createRequestSigner(service) })
}

function upkeepConfig() {
  const { env } = process
  return readStoresConfig({
    offsetsRetention: env[settings.offsetsRetention.variable],
    transactionalIdExpiration: env[settings.transactionalIdExpiration.variable],
    archiveCatalog: env[settings.archiveCatalog.variable],
    archiveCatalogToken: env[secretSettings.archiveCatalogToken],
  })
}

export function upkeepHandler(): (event: unknown, context: LambdaContext) => Promise<UpkeepAnswer> {
  let catalog: TableCatalog | undefined
  return async (_event, context) => {
    const varve = functionVarve()
    const config = upkeepConfig()
    catalog ??= catalogOf(config, varve)
    const intervalMs = Number(process.env.VARVE_UPKEEP_MINUTES ?? INTERVAL_MINUTES) * MINUTE_MS
    return varve.invoke('upkeep', async () => {
      let findings = 0
      const ran = await atItsPace({ ...varve, key: paceKey, intervalMs }, async () => {
        const upkeep = openUpkeep({ ...varve, catalog }, config.upkeep, {
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
