/** Topics and subscriptions as CloudFormation custom resources. Environment: VARVE_BUCKET, VARVE_TABLE. */
import { resourceHandler } from '../lib/assembly/serverless/index.ts'

export const handler = resourceHandler()
