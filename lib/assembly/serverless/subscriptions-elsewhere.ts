/** Subscriptions of a function that makes them, where another one serves them. */
import { PushError, Subscriptions, type Target, type TargetSpec, webhookTarget } from '../../push/index.ts'
import type { FunctionVarve } from './open-varve.ts'

const elsewhere: Target = { deliver: async () => ({ outcome: 'failed', reason: 'nothing is delivered from here' }) }

/** `served`: there is a function that serves them. */
export function subscriptionsElsewhere(varve: FunctionVarve, { served }: { served: boolean }): Subscriptions {
  const targetFor = (spec: TargetSpec) => {
    if (!served) {
      throw new PushError(
        'INVALID_SUBSCRIPTION',
        'Nothing would serve a subscription here: deploy the log with `push: true` (`npx cdk deploy -c push=true`).',
      )
    }
    return spec.kind === 'webhook'
      ? webhookTarget(spec, { clock: varve.clock, mayBePrivate: varve.privateWebhooks })
      : elsewhere
  }
  return new Subscriptions({ ...varve, targetFor })
}
