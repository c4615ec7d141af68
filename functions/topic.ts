/** A topic as a CloudFormation custom resource. Environment: VARVE_BUCKET, VARVE_TABLE. */
import { topicHandler } from '../lib/assembly/serverless/index.ts'

export const handler = topicHandler()
