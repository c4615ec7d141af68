/**
 * What a producer's batch or marker means to the state of that producer in a partition: new, a repetition, or to be
 * refused. Pure.
 */
import { addSequence, type ProducerState, type SequencedBatch } from './producer-state.ts'

export type SequenceDecision =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | {
      readonly kind: 'refuse'
      readonly code:
        | 'OUT_OF_ORDER_SEQUENCE'
        | 'INVALID_PRODUCER_EPOCH'
        | 'INVALID_TXN_STATE'
        | 'CONCURRENT_TRANSACTIONS'
      readonly message: string
      /** Nothing is known of the producer, and it does not begin: it may have been forgotten. */
      readonly isUnknown?: true
    }

/**
 * Kafka's rules, but for one: a producer of whom nothing is known must begin at sequence 0, or it is for the caller to say whether it
 * may have been forgotten. (Kafka takes any, and so can take a producer's second batch before the first one's retry.) A batch of a
 * transaction that ended here is void, however late it comes: its number says so, where epochs of old clients do not.
 */
export function decideSequence(state: ProducerState | undefined, batch: SequencedBatch): SequenceDecision {
  const { producerId, producerEpoch, baseSequence, recordCount, transaction } = batch
  if (state && producerEpoch < state.epoch) {
    return refuse('INVALID_PRODUCER_EPOCH', `epoch ${producerEpoch}, where producer ${producerId} is at ${state.epoch}`)
  }
  const current = state?.epoch === producerEpoch ? state : undefined
  const lastSequence = addSequence(baseSequence, recordCount - 1)
  const kept = current?.batches.find(b => b.baseSequence === baseSequence && b.lastSequence === lastSequence)
  if (kept) return { kind: 'duplicate', baseOffset: kept.baseOffset }
  if (transaction > 0 && state && (transaction <= state.ended || transaction < (state.open?.transaction ?? 0))) {
    return refuse('INVALID_TXN_STATE', `transaction ${transaction} of producer ${producerId} has ended`)
  }
  if (state?.open && state.open.transaction !== transaction) {
    return refuse('CONCURRENT_TRANSACTIONS', `transaction ${state.open.transaction} of producer ${producerId} is open`)
  }
  const last = current?.batches.at(-1)
  const expected = last ? addSequence(last.lastSequence, 1) : 0
  if (baseSequence === expected) return { kind: 'append' }
  const message = `sequence ${baseSequence} of producer ${producerId}, where ${expected} is next`
  const refused = refuse('OUT_OF_ORDER_SEQUENCE', message)
  return state ? refused : { ...refused, isUnknown: true }
}

type Refusal = Extract<SequenceDecision, { kind: 'refuse' }>

function refuse(code: Refusal['code'], message: string): Refusal {
  return { kind: 'refuse', code, message }
}
