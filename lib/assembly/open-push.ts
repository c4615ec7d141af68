/** Push subscriptions of a server process: its targets, and the pusher that serves them. */
import type { Clock, Logger, Random } from '../base/index.ts'
import { Leases } from '../leases/index.ts'
import type { Log } from '../log/index.ts'
import type { AwsTargetSpec } from '../push/aws/index.ts'
import {
  localFunction,
  PushError,
  Pusher,
  type RecordFormat,
  Subscriptions,
  type Target,
  type TargetFactory,
  webhookTarget,
} from '../push/index.ts'
import type { ItemStore } from '../storage/index.ts'

export interface PushSurroundings {
  readonly items: ItemStore
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Names this process in its leases. */
  readonly owner: string
  /** Where functions are modules; '': they are Lambda functions. */
  readonly functionsFolder: string
  /** The stores are AWS's, so its functions are within reach. */
  readonly isOnAws: boolean
  /** Webhooks may go to this machine and to private networks. */
  readonly privateWebhooks: boolean
  /** This process lives for seconds. */
  readonly shortLived?: boolean
}

export function openPush(options: PushSurroundings): {
  readonly subscriptions: Subscriptions
  readonly pusher: Pusher
} {
  const targetFor = createTargets(options)
  const subscriptions = new Subscriptions({ ...options, targetFor })
  const leases = new Leases(options)
  const pusher = new Pusher({
    ...options,
    leases,
    subscriptions,
    targetFor,
    loadFormat,
  })
  return { subscriptions, pusher }
}

function createTargets({ clock, functionsFolder, isOnAws, privateWebhooks }: PushSurroundings): TargetFactory {
  const aws = lazyAwsTargets(clock)
  const functions = { folder: functionsFolder, clock, load: (url: string) => import(url) }
  return spec => {
    switch (spec.kind) {
      case 'webhook':
        return webhookTarget(spec, { clock, mayBePrivate: privateWebhooks })
      case 'function':
        if (functionsFolder !== '') return localFunction(spec.name, functions)
        if (isOnAws) return aws(spec)
        throw new PushError(
          'INVALID_SUBSCRIPTION',
          'This server knows no functions: start it with --functions DIR, where NAME.mjs exports a handler.',
        )
      case 'sqs':
      case 'eventbridge':
        return aws(spec)
    }
  }
}

/** With the first delivery: a start does not wait for the HTTP interface. */
async function loadFormat(): Promise<RecordFormat> {
  const { recordLine } = await import('../http/index.ts')
  return (record, place) => recordLine(record, place, {})
}

/** AWS's clients are loaded by the first delivery: a start does not wait for them. */
function lazyAwsTargets(clock: Clock): (spec: AwsTargetSpec) => Target {
  let loading: Promise<(spec: AwsTargetSpec) => Target> | undefined
  return spec => ({
    deliver: async (batch, signal) => {
      loading ??= import('../push/aws/index.ts').then(({ createAwsTargets }) => createAwsTargets(clock))
      return (await loading)(spec).deliver(batch, signal)
    },
  })
}
