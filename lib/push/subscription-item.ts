/** The stored subscription: `push` / `<name>`. Small and seldom written, so it is JSON. It holds the webhook's secret. */
import { CorruptDataError, checkFormat, parseStoredJson } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import type { Subscription } from './contract.ts'

export const SUBSCRIPTIONS = 'push'

const FORMAT_VERSION = 1

type Stored = Subscription & { readonly format: number }

export function subscriptionKey(name: string): ItemKey {
  return { pk: SUBSCRIPTIONS, sk: name }
}

export function encodeSubscription(subscription: Subscription): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT_VERSION, ...subscription }))
}

/** @throws CorruptDataError */
export function decodeSubscription(bytes: Uint8Array): Subscription {
  const stored = parseStoredJson('subscription', Buffer.from(bytes).toString()) as Partial<Stored> | null
  checkFormat('subscription', stored?.format ?? 0, FORMAT_VERSION)
  if (!stored?.policy) throw new CorruptDataError('a subscription without a policy')
  const { format, ...subscription } = stored as Stored
  // JSON has no undefined: what is not set is not there.
  const { attemptsMax, deadLetterTopic } = subscription.policy
  const policy = { ...subscription.policy, attemptsMax, deadLetterTopic }
  return { ...subscription, policy }
}
