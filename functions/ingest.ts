/** Event sources into a topic. Environment: VARVE_BUCKET, VARVE_TABLE, VARVE_INGEST_TOPIC. */
import { ingestHandler } from '../lib/assembly/serverless/index.ts'

export const handler = ingestHandler()
