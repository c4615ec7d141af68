/** Deliveries to a Lambda function, called and waited for: its answer may name the records that failed. */
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { briefly, type Delivery, deliveryOf, failed, type PushBatch, type Target } from '../index.ts'

export function lambdaFunction(name: string, client: LambdaClient): Target {
  return { deliver: (batch, signal) => invoke(name, client, batch, signal) }
}

async function invoke(name: string, client: LambdaClient, batch: PushBatch, signal: AbortSignal): Promise<Delivery> {
  try {
    const command = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(batch.body) })
    const { FunctionError: error, Payload: payload } = await client.send(command, { abortSignal: signal })
    const text = Buffer.from(payload ?? []).toString()
    if (error !== undefined) return failed(briefly(`${error}: ${text}`))
    return deliveryOf(text === '' ? undefined : JSON.parse(text), batch)
  } catch (error) {
    return failed(briefly(String(error)))
  }
}
