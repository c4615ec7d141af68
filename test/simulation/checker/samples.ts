/** Operations as the checker's own tests make them. */
import type { Send } from './index.ts'

let tick = 0

/** After everything made before it. */
export function now(): number {
  return ++tick
}

/** A span after everything made before it. */
export function span() {
  return { invoked: now(), completed: now() }
}

/** Of one batch with one value. */
export function sampleSend(
  { partition, batch, outcome }: Pick<Send, 'partition' | 'batch' | 'outcome'>,
  more: Partial<Send>,
): Send {
  return {
    kind: 'send',
    producer: 'p',
    connection: 'c',
    partition,
    batch,
    idempotent: true,
    values: [`p:${batch}`],
    outcome,
    ...span(),
    ...more,
  }
}
