/**
 * DescribeClientQuotas, versions 0 and 1 (KIP-546).
 *
 * Departures from Apache Kafka: entities are told in the order of their names, their values in that of their keys.
 */
import { checkQuotaFilter, quotaEntityOf, quotaFilterFinds } from '../../configs/index.ts'
import { DescribeClientQuotas } from '../../protocol/index.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler } from '../handler.ts'

export const describeClientQuotas = handler(DescribeClientQuotas, {
  async handle(filter, { configs, logger }) {
    try {
      checkQuotaFilter(filter)
      // A strict filter without components asks for entities without types: there are none.
      const all = await configs.all('client-quotas')
      const entries = all
        .map(([name, values]) => ({ entity: quotaEntityOf(name), values }))
        .filter(({ entity }) => quotaFilterFinds(filter, entity))
        .map(({ entity, values }) => ({
          entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
          values: Object.entries(values).map(([key, value]) => ({ key, value: Number(value) })),
        }))
      return { throttleTimeMs: 0, errorCode: 0, errorMessage: '', entries }
    } catch (error) {
      return {
        throttleTimeMs: 0,
        errorCode: errorCodeOf(error, logger),
        errorMessage: errorMessageOf(error),
        entries: null,
      }
    }
  },
})
