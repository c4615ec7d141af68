export type {
  Delivery,
  Policy,
  PushBatch,
  RecordFormat,
  Subscription,
  Target,
  TargetFactory,
  TargetSpec,
} from './contract.ts'
export { PushError, type PushErrorCode } from './errors.ts'
export { compilePattern, type EventPattern, type Json } from './event-pattern.ts'
export { forgetSubscriptionsJob } from './forget-subscriptions.ts'
export { Pusher, type PusherParts, type Round, type RoundReport } from './pusher.ts'
export { SUBSCRIPTIONS } from './subscription-item.ts'
export {
  ATTEMPTS_MAX,
  BYTES_MAX,
  defaultPolicy,
  type NewSubscription,
  type Progress,
  RECORDS_MAX,
  type StoredSubscription,
  type SubscriptionChange,
  Subscriptions,
  WINDOW_MS_MAX,
} from './subscriptions.ts'
export { within } from './targets/deadline.ts'
export { localFunction } from './targets/local-function.ts'
export { briefly, deliveryOf, failed } from './targets/outcome.ts'
export { webhookSecret, webhookTarget } from './targets/webhook.ts'
