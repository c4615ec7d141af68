import type { Clock, Random } from '../../lib/base/index.ts'
import type { Log } from '../../lib/log/index.ts'
import { PushError, Subscriptions, webhookTarget } from '../../lib/push/index.ts'
import type { ItemStore } from '../../lib/storage/index.ts'

/** Subscriptions of a process that knows webhooks only. */
export function openSubscriptions(parts: { items: ItemStore; clock: Clock; random: Random; log: Log }): Subscriptions {
  return new Subscriptions({
    ...parts,
    targetFor: spec => {
      if (spec.kind === 'webhook') return webhookTarget(spec, { clock: parts.clock, mayBePrivate: true })
      throw new PushError('INVALID_SUBSCRIPTION', `There is no target ${spec.kind} here.`)
    },
  })
}
