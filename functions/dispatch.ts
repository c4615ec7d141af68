/** Push subscriptions: records sent on. Environment: VARVE_BUCKET, VARVE_TABLE. */
import { dispatchHandler } from '../lib/assembly/serverless/index.ts'

export const handler = dispatchHandler()
