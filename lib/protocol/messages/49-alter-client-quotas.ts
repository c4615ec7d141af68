/** Sets or removes quotas (KIP-546). */
import {
  api,
  array,
  boolean,
  float64,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  string,
} from '../kernel/index.ts'

export const AlterClientQuotasRequest = message({
  api: 49,
  versions: [0, 1],
  flexible: 1,
  fields: {
    entries: array({
      entity: array({ entityType: string, entityName: nullableString }),
      ops: array({ key: string, value: float64, remove: boolean }),
    }),
    validateOnly: boolean,
  },
})
export type AlterClientQuotasRequest = Message<typeof AlterClientQuotasRequest>

export const AlterClientQuotasResponse = message({
  api: 49,
  versions: [0, 1],
  flexible: 1,
  fields: {
    throttleTimeMs: int32,
    entries: array({
      errorCode: int16,
      errorMessage: nullableString,
      entity: array({ entityType: string, entityName: nullableString }),
    }),
  },
})
export type AlterClientQuotasResponse = Message<typeof AlterClientQuotasResponse>

export const AlterClientQuotas = api({
  name: 'AlterClientQuotas',
  request: AlterClientQuotasRequest,
  response: AlterClientQuotasResponse,
})
