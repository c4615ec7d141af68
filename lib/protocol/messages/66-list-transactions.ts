/** The transactional ids that a broker coordinates, filtered (KIP-664). */
import {
  api,
  array,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const ListTransactionsRequest = message({
  api: 66,
  versions: [0, 2],
  flexible: 0,
  fields: {
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: since(1, int64, -1),
    transactionalIdPattern: since(2, nullableString, null),
  },
})
export type ListTransactionsRequest = Message<typeof ListTransactionsRequest>

export const ListTransactionsResponse = message({
  api: 66,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array({ transactionalId: string, producerId: int64, transactionState: string }),
  },
})
export type ListTransactionsResponse = Message<typeof ListTransactionsResponse>

export const ListTransactions = api({
  name: 'ListTransactions',
  request: ListTransactionsRequest,
  response: ListTransactionsResponse,
})
