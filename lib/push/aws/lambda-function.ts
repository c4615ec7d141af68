/** Deliveries to a Lambda function, called and waited for: its answer may name the records that failed. */
import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from '@aws-sdk/client-lambda'
import type { Clock } from '../../base/index.ts'
import { briefly, type Delivery, deliveryOf, failed, type PushBatch, type Target, within } from '../index.ts'

/** Lambda takes 6 MB in a call that is waited for. */
const BODY_BYTES_MAX = 6_000_000
/** Whoever waits may be a function too, which has 15 minutes. */
const TIMEOUT_MS = 13 * 60_000

export function lambdaFunction(name: string, client: LambdaClient, clock: Clock): Target {
  const invoke = (batch: PushBatch, signal: AbortSignal) => {
    const command = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(batch.body) })
    return within(TIMEOUT_MS, { clock, signal }, abortSignal => client.send(command, { abortSignal }))
  }
  return { bodyBytesMax: BODY_BYTES_MAX, deliver: (batch, signal) => deliver(batch, () => invoke(batch, signal)) }
}

async function deliver(batch: PushBatch, invoke: () => Promise<InvokeCommandOutput>): Promise<Delivery> {
  try {
    const { FunctionError: error, Payload: payload } = await invoke()
    const text = Buffer.from(payload ?? []).toString()
    if (error !== undefined) return failed(briefly(`${error}: ${text}`))
    return deliveryOf(text === '' ? undefined : JSON.parse(text), batch)
  } catch (error) {
    return failed(briefly(String(error)))
  }
}
