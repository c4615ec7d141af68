/**
 * Deliveries to a web address, signed as Standard Webhooks has it (https://www.standardwebhooks.com): `webhook-id` names the
 * delivery and is the same when it is repeated, `webhook-signature` is HMAC-SHA256 over id, time and body. 2xx means taken.
 */
import { createHmac } from 'node:crypto'
import type { Clock } from '../../base/index.ts'
import type { Delivery, PushBatch, Target, TargetSpec } from '../contract.ts'
import { PushError } from '../errors.ts'
import { within } from './deadline.ts'
import { briefly, deliveryOf, failed } from './outcome.ts'

const TIMEOUT_MS = 30_000
const ANSWER_BYTES_MAX = 64 * 1_024
const RETRY_AFTER_SECONDS_MAX = 3_600
const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64

type WebhookSpec = Extract<TargetSpec, { kind: 'webhook' }>

/** A secret as Standard Webhooks writes it. */
export function webhookSecret(bytes: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(bytes).toString('base64')}`
}

/** @throws PushError INVALID_SUBSCRIPTION */
export function webhookTarget({ url, secret }: WebhookSpec, clock: Clock): Target {
  const address = URL.parse(url)
  if (!address || !/^https?:$/.test(address.protocol) || address.username !== '' || address.password !== '') {
    throw invalid('url must be an http or https address without a name and password')
  }
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : '', 'base64')
  if (key.length < SECRET_BYTES_MIN || key.length > SECRET_BYTES_MAX) {
    throw invalid(`secret must be ${SECRET_PREFIX} and ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes in base64`)
  }
  return { deliver: (batch, signal) => post({ address, key, clock }, batch, signal) }
}

interface Webhook {
  readonly address: URL
  readonly key: Buffer
  readonly clock: Clock
}

async function post({ address, key, clock }: Webhook, batch: PushBatch, signal: AbortSignal): Promise<Delivery> {
  const { subscription, topic, partition, records, body } = batch
  const id = `${subscription}:${topic}:${partition}:${records[0]!.offset}-${records.at(-1)!.offset}`
  const seconds = Math.floor(clock.now() / 1_000)
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  try {
    const { answer, text } = await within(TIMEOUT_MS, { clock, signal }, async limited => {
      const answer = await fetch(address, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'varve',
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': `v1,${signature}`,
        },
        body,
        redirect: 'manual',
        signal: limited,
      })
      return { answer, text: await readSome(answer) }
    })
    if (answer.ok) return deliveryOf(parsed(text), batch)
    return failed(`${answer.status} ${briefly(text)}`, { retryAfterMs: retryAfterMs(answer.headers) })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
    return failed(briefly(`${error instanceof Error ? error.message : error}${cause}`))
  }
}

/** The first bytes of the answer; the rest is not looked at. */
async function readSome(answer: Response): Promise<string> {
  const reader = answer.body?.getReader()
  if (!reader) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  while (bytes < ANSWER_BYTES_MAX) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    bytes += value.length
  }
  await reader.cancel()
  return Buffer.concat(parts).toString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return seconds >= 0 ? Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1_000 : undefined
}

function invalid(why: string): PushError {
  return new PushError('INVALID_SUBSCRIPTION', `The target's ${why}.`)
}
