/**
 * Deliveries to a web address, signed as Standard Webhooks has it (https://www.standardwebhooks.com): `webhook-id` names the
 * delivery and is the same when it is repeated, `webhook-signature` is HMAC-SHA256 over id, time and body. 2xx means taken.
 */
import { createHmac } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../base/index.ts'
import type { Delivery, PushBatch, Target, TargetSpec } from '../contract.ts'
import { PushError } from '../errors.ts'
import { within } from './deadline.ts'
import { briefly, deliveryOf, failed } from './outcome.ts'
import { addressIn, isPublic, lookUpPublic } from './public-address.ts'
import { postTo } from './web-post.ts'

const TIMEOUT_MS = 30_000
const RETRY_AFTER_SECONDS_MAX = 3_600
const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64

type WebhookSpec = Extract<TargetSpec, { kind: 'webhook' }>

/** A secret as Standard Webhooks writes it. */
export function webhookSecret(bytes: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(bytes).toString('base64')}`
}

export interface WebhookOptions {
  readonly clock: Clock
  /** Webhooks may go to this machine and to private networks. */
  readonly mayBePrivate: boolean
}

/** @throws PushError INVALID_SUBSCRIPTION */
export function webhookTarget({ url, secret }: WebhookSpec, { clock, mayBePrivate }: WebhookOptions): Target {
  const address = URL.parse(url)
  if (!address || !/^https?:$/.test(address.protocol) || address.username !== '' || address.password !== '') {
    throw invalid('url must be an http or https address without a name and password')
  }
  const literal = addressIn(address)
  if (!mayBePrivate && literal !== undefined && !isPublic(literal)) {
    throw invalid('url is no address of the internet: start the server with VARVE_WEBHOOK_PRIVATE=true if it may be')
  }
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : '', 'base64')
  if (key.length < SECRET_BYTES_MIN || key.length > SECRET_BYTES_MAX) {
    throw invalid(`secret must be ${SECRET_PREFIX} and ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes in base64`)
  }
  return {
    deliver: (batch, signal) =>
      post({ address, key, clock, lookup: mayBePrivate ? undefined : lookUpPublic }, batch, signal),
  }
}

interface Webhook {
  readonly address: URL
  readonly key: Buffer
  readonly clock: Clock
  readonly lookup: LookupFunction | undefined
}

async function post(
  { address, key, clock, lookup }: Webhook,
  batch: PushBatch,
  signal: AbortSignal,
): Promise<Delivery> {
  const { subscription, topic, partition, records, body } = batch
  const id = `${subscription}:${topic}:${partition}:${records[0]!.offset}-${records.at(-1)!.offset}`
  const seconds = Math.floor(clock.now() / 1_000)
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  try {
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'varve',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${signature}`,
    }
    const { status, text, retryAfter } = await within(TIMEOUT_MS, { clock, signal }, limited =>
      postTo({ address, headers, body, signal: limited, lookup }),
    )
    if (status >= 200 && status < 300) return deliveryOf(parsed(text), batch)
    return failed(`${status} ${briefly(text)}`, { retryAfterMs: retryAfterMs(retryAfter) })
  } catch (error) {
    return failed(briefly(error instanceof Error ? error.message : String(error)))
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs(retryAfter: string | undefined): number | undefined {
  const seconds = Number(retryAfter ?? Number.NaN)
  return seconds >= 0 ? Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1_000 : undefined
}

function invalid(why: string): PushError {
  return new PushError('INVALID_SUBSCRIPTION', `The target's ${why}.`)
}
