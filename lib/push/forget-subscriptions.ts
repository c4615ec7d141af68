/** The job of upkeep that removes subscriptions whose topic was deleted, and ends deletions that stopped half way. */
import type { Clock, Random } from '../base/index.ts'
import { type Log, type UpkeepJob, upkeepIntervals } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import type { Subscription } from './contract.ts'
import { PushError } from './errors.ts'
import { Subscriptions } from './subscriptions.ts'

const FORGET_INTERVAL_MS = 3_600_000
/** One that is being made may still be given checkpoints by who makes it. */
const CREATING_MS = 3_600_000

interface Parts {
  readonly items: ItemStore
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
}

export function forgetSubscriptionsJob(parts: Parts): UpkeepJob {
  const subscriptions = new Subscriptions({ ...parts, targetFor: noTarget })
  return {
    name: 'forget-subscriptions',
    ...upkeepIntervals(FORGET_INTERVAL_MS),
    run: async pass => {
      if (!pass.isMine('subscriptions')) return false
      let found = false
      for (const { subscription } of await subscriptions.list()) {
        if (pass.signal.aborted) break
        const why = await whyGone(subscription, parts)
        if (why === undefined) continue
        found = true
        pass.tell(`subscription ${subscription.name}`, why)
        if (!pass.dry) await subscriptions.deleteIfThere(subscription)
        await pass.pause()
      }
      return found
    },
  }
}

/** A topic's id is never given again, so what was deleted stays so. */
async function whyGone(
  { state, topicId, topic, createdAt }: Subscription,
  { log, clock }: Parts,
): Promise<string | undefined> {
  if (state === 'deleting') return 'its deletion stopped half way'
  if (state === 'creating' && createdAt > clock.now() - CREATING_MS) return undefined
  return (await log.topics.find({ id: topicId })) ? undefined : `its topic ${topic} was deleted`
}

function noTarget(): never {
  throw new PushError('INVALID_SUBSCRIPTION', 'Upkeep delivers nothing.')
}
