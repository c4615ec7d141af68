/** Queues and buses take so many messages in a call, and answer for each. */
import type { Clock } from '../../base/index.ts'
import { briefly, type Delivery, type PushBatch, within } from '../index.ts'

/** SQS SendMessageBatch and EventBridge PutEvents: ten, 256 KiB together. */
const MESSAGES_MAX = 10
const BYTES_MAX = 250 * 1_024
const TIMEOUT_MS = 30_000

export interface Message {
  readonly offset: number
  readonly line: string
}

export interface Calls {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Answers, for each message, what went wrong with it, or undefined. What it throws fails all of them. */
  readonly send: (messages: readonly Message[], signal: AbortSignal) => Promise<readonly (string | undefined)[]>
}

export async function deliverInBatches({ records, lines }: PushBatch, { send, ...limits }: Calls): Promise<Delivery> {
  const messages = records.map(({ offset }, index) => ({ offset, line: lines[index]! }))
  for (const group of groupsOf(messages)) {
    const from = group[0]!.offset
    try {
      const answers = await within(TIMEOUT_MS, limits, limited => send(group, limited))
      const bad = answers.findIndex(answer => answer !== undefined)
      if (bad >= 0) return { outcome: 'failed', reason: briefly(answers[bad]!), from: group[bad]!.offset }
    } catch (error) {
      return { outcome: 'failed', reason: briefly(String(error)), from }
    }
  }
  return { outcome: 'delivered' }
}

function groupsOf(messages: readonly Message[]): Message[][] {
  const groups: Message[][] = []
  let bytes = 0
  for (const message of messages) {
    const size = Buffer.byteLength(message.line)
    const last = groups.at(-1)
    if (!last || last.length === MESSAGES_MAX || bytes + size > BYTES_MAX) {
      groups.push([message])
      bytes = size
    } else {
      last.push(message)
      bytes += size
    }
  }
  return groups
}
