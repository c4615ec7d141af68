/** The stored subscription: `push` / `<name>`. Small and seldom written, so it is JSON. It holds the webhook's secret. */
import { checkFormat } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import type { Subscription } from './contract.ts'

export const SUBSCRIPTIONS = 'push'

const FORMAT_VERSION = 1

export function subscriptionKey(name: string): ItemKey {
  return { pk: SUBSCRIPTIONS, sk: name }
}

export function encodeSubscription(subscription: Subscription): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT_VERSION, ...subscription }))
}

/** @throws CorruptDataError */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const { format, ...subscription } = JSON.parse(Buffer.from(bytes).toString())
  checkFormat('subscription', format, FORMAT_VERSION)
  // JSON has no undefined: what is not set is not there.
  const { attemptsMax, deadLetterTopic } = subscription.policy
  const policy = { ...subscription.policy, attemptsMax, deadLetterTopic }
  return { ...subscription, policy }
}
