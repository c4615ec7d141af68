/** Event sources into a topic: `lib/ingest` with the answers that each source wants to hear. */
import { type Delivery, Ingest, IngestError, readDelivery } from '../../ingest/index.ts'
import { required } from './function-settings.ts'
import { type LambdaContext, workMs } from './lambda-context.ts'
import { functionVarve } from './open-varve.ts'

/** ReportBatchItemFailures of SQS, Kinesis and DynamoDB streams. */
interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

export function ingestHandler(): (event: unknown, context: LambdaContext) => Promise<BatchAnswer> {
  let ingest: Ingest | undefined
  return async (event, context) => {
    const varve = functionVarve()
    ingest ??= new Ingest({ ...varve, topic: required(process.env, 'VARVE_INGEST_TOPIC') })
    const into = ingest
    return varve.invoke('ingest', async () => {
      const delivery = readDelivery(event)
      const failed = await into.take(delivery, workMs(context))
      varve.logger.info('ingested', {
        source: delivery.source,
        records: delivery.records.length,
        failed: failed.length,
      })
      return answerTo(delivery, failed)
    })
  }
}

/** @throws IngestError NOT_STORED where the source knows no failures of single records */
function answerTo({ failures, records }: Delivery, failed: readonly number[]): BatchAnswer {
  if (failures === 'all' && failed.length > 0) {
    throw new IngestError('NOT_STORED', `${failed.length} of ${records.length} records could not be stored.`)
  }
  const told = failures === 'from-first' ? failed.slice(0, 1) : failed
  return { batchItemFailures: told.map(index => ({ itemIdentifier: records[index]!.receipt })) }
}
