/**
 * Push subscriptions by a function. The table's stream calls it where a head or a subscription changed, and it sends what is new there;
 * a schedule calls it too, and it sends whatever there is to send. Races, and what holds:
 * - A call of the stream may not block those behind it for long, so it begins no delivery after some seconds. What is left then,
 *   or failed and waits, is the schedule's: before the call ends, the schedule's next time is made to be its time.
 * - A change comes while another process sends: that one may have looked for more before. Whoever is told of the change waits
 *   for the lease, and looks again (`pusher.ts`).
 * - It dies, or its time runs out, with a delivery under way: the stream calls again, the lease is over after a while, and the delivery is made again.
 * - It is frozen with a delivery, thawed after another made it too: its checkpoint meets the other's, and it stops.
 * - A call is lost, whatever the reason: the schedule finds what it would have sent, after a quarter of an hour at the latest.
 */
import { placeOfHead } from '../../log/index.ts'
import { type Pusher, SUBSCRIPTIONS } from '../../push/index.ts'
import { openPush } from '../open-push.ts'
import { type LambdaContext, workMs } from './lambda-context.ts'
import { functionVarve } from './open-varve.ts'
import { atItsPace, atOnce, pushPaceKey } from './pace.ts'

/** Of DynamoDB's streams ("DynamoDB event"), with the keys alone. */
interface StreamEvent {
  readonly Records?: readonly { readonly dynamodb?: { readonly Keys?: StreamKeys } }[]
}

type StreamKeys = { readonly [name in 'pk' | 'sk']?: { readonly S?: string } }

interface DispatchAnswer {
  /** False: it was not the schedule's time. */
  readonly ran: boolean
  /** Partitions with something to send, and those of them where all was sent. */
  readonly behind: number
  readonly done: number
}

/** Of the schedule. */
const INTERVAL_MS = 60_000
/** Deliveries begin for so long, at most; then there is time for those under way to end. */
const ROUND_MS = { stream: 10_000, schedule: 55_000 }

export function dispatchHandler(): (event: unknown, context: LambdaContext) => Promise<DispatchAnswer> {
  let pusher: Pusher | undefined
  return async (event, context) => {
    const varve = functionVarve()
    pusher ??= openPush({
      ...varve,
      owner: 'the dispatch function',
      functionsFolder: '',
      isOnAws: true,
      shortLived: true,
    }).pusher
    const serving = pusher
    return varve.invoke('dispatch', async () => {
      const ended = new AbortController()
      const timeMs = workMs(context)
      void varve.clock.sleep(timeMs, ended.signal).then(() => ended.abort())
      const round = (kind: keyof typeof ROUND_MS, shards?: ShardsByTopic) =>
        serving.runOnce({
          withinMs: Math.min(ROUND_MS[kind], timeMs / 2),
          signal: ended.signal,
          ...(shards ? { shards } : {}),
        })
      try {
        const changed = readChanges(event as StreamEvent)
        if (changed !== undefined) {
          const report = await round('stream', changed === 'all' ? undefined : changed)
          if (report.done < report.behind) await atOnce({ ...varve, key: pushPaceKey })
          return { ran: true, ...report }
        }
        let report = { behind: 0, done: 0 }
        const ran = await atItsPace({ ...varve, key: pushPaceKey, intervalMs: INTERVAL_MS }, async () => {
          report = await round('schedule')
          return report.behind > 0
        })
        return { ran, ...report }
      } finally {
        ended.abort()
      }
    })
  }
}

export type ShardsByTopic = ReadonlyMap<string, ReadonlySet<number>>

/** The shards whose heads changed; `all`: a subscription did; undefined: it is no event of a stream. */
export function readChanges({ Records }: StreamEvent): ShardsByTopic | 'all' | undefined {
  if (!Array.isArray(Records)) return undefined
  const changed = new Map<string, Set<number>>()
  for (const { dynamodb } of Records as NonNullable<StreamEvent['Records']>) {
    const [pk, sk] = [dynamodb?.Keys?.pk?.S ?? '', dynamodb?.Keys?.sk?.S ?? '']
    if (pk === SUBSCRIPTIONS) return 'all'
    const place = placeOfHead({ pk, sk })
    if (!place) continue
    const shards = changed.get(place.topicId) ?? new Set()
    changed.set(place.topicId, shards.add(place.shard))
  }
  return changed
}
