/** Configs of topics, brokers and groups, with where each value comes from. */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const DescribeConfigsRequest = message({
  api: 32,
  versions: [1, 4],
  flexible: 4,
  fields: {
    resources: array({ resourceType: int8, resourceName: string, configurationKeys: nullableArray(string) }),
    includeSynonyms: boolean,
    includeDocumentation: since(3, boolean, false),
  },
})
export type DescribeConfigsRequest = Message<typeof DescribeConfigsRequest>

export const DescribeConfigsResponse = message({
  api: 32,
  versions: [1, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: nullableString,
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: nullableString,
        readOnly: boolean,
        configSource: int8,
        isSensitive: boolean,
        synonyms: array({ name: string, value: nullableString, source: int8 }),
        configType: since(3, int8, 0),
        documentation: since(3, nullableString, ''),
      }),
    }),
  },
})
export type DescribeConfigsResponse = Message<typeof DescribeConfigsResponse>

export const DescribeConfigs = api({
  name: 'DescribeConfigs',
  request: DescribeConfigsRequest,
  response: DescribeConfigsResponse,
})
