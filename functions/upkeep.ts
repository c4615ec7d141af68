/** The log's upkeep, on a schedule. Environment: VARVE_BUCKET, VARVE_TABLE. */
import { upkeepHandler } from '../lib/assembly/serverless/index.ts'

export const handler = upkeepHandler()
