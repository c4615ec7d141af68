/** The quotas of clients, users and addresses that fit a filter (KIP-546). */
import {
  api,
  array,
  boolean,
  float64,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  string,
} from '../kernel/index.ts'

export const DescribeClientQuotasRequest = message({
  api: 48,
  versions: [0, 1],
  flexible: 1,
  fields: { components: array({ entityType: string, matchType: int8, match: nullableString }), strict: boolean },
})
export type DescribeClientQuotasRequest = Message<typeof DescribeClientQuotasRequest>

export const DescribeClientQuotasResponse = message({
  api: 48,
  versions: [0, 1],
  flexible: 1,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    entries: nullableArray({
      entity: array({ entityType: string, entityName: nullableString }),
      values: array({ key: string, value: float64 }),
    }),
  },
})
export type DescribeClientQuotasResponse = Message<typeof DescribeClientQuotasResponse>

export const DescribeClientQuotas = api({
  name: 'DescribeClientQuotas',
  request: DescribeClientQuotasRequest,
  response: DescribeClientQuotasResponse,
})
