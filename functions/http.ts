/** HTTPS, behind a Function URL. Environment: VARVE_BUCKET, VARVE_TABLE. */
import { httpHandler } from '../lib/assembly/serverless/index.ts'

export const handler = httpHandler()
