/**
 * ListTransactions, versions 0 to 2 (KIP-664, 994, 1152): the transactional ids that this gateway coordinates; clients ask
 * all of them. Filters: state, producer id, how long a transaction has been under way (from version 1 on), a pattern
 * that the whole id matches (from 2 on).
 *
 * Departures from Apache Kafka: the pattern is one of JavaScript's.
 */
import { ListTransactions } from '../../protocol/index.ts'
import { type TransactionState, transactionStates } from '../../transactions/index.ts'
import { coordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

/** Kafka's states that no transaction here is ever in. */
const neverSeen = ['Dead', 'PrepareEpochFence']

export const listTransactions = handler(ListTransactions, {
  async handle(request, context) {
    const { stateFilters, producerIdFilters, durationFilter } = request
    const unknownStateFilters = stateFilters.filter(name => !isState(name) && !neverSeen.includes(name))
    const pattern = patternOf(request.transactionalIdPattern)
    if (pattern === 'broken') {
      return { ...nothing, errorCode: errorCodes.INVALID_REGULAR_EXPRESSION, unknownStateFilters }
    }
    try {
      const listed = await context.transactions.list(id => coordinates(id, context) && (pattern?.test(id) ?? true))
      const now = context.clock.now()
      const found = listed.filter(
        ({ state, producerId, startedAt }) =>
          (stateFilters.length === 0 || stateFilters.includes(state)) &&
          (producerIdFilters.length === 0 || producerIdFilters.includes(producerId)) &&
          (durationFilter < 0 || (startedAt >= 0 && now - startedAt > durationFilter)),
      )
      const transactions = found.map(({ transactionalId, producerId, state }) => {
        return { transactionalId, producerId, transactionState: state }
      })
      return { ...nothing, unknownStateFilters, transactionStates: transactions }
    } catch (error) {
      return { ...nothing, errorCode: errorCodeOf(error, context.logger), unknownStateFilters }
    }
  },
})

const nothing = { throttleTimeMs: 0, errorCode: 0, transactionStates: [] }

function isState(name: string): name is TransactionState {
  return (transactionStates as readonly string[]).includes(name)
}

function patternOf(pattern: string | null): RegExp | undefined | 'broken' {
  if (pattern === null || pattern === '') return undefined
  try {
    return new RegExp(`^(?:${pattern})$`, 'u')
  } catch {
    return 'broken'
  }
}
