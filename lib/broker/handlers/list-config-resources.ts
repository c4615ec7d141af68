/**
 * ListConfigResources, versions 0 and 1 (KIP-1142): topics, brokers, broker loggers, and the groups and subscriptions to clients'
 * metrics that have configs. Version 0 knows the last of these only.
 *
 * Departures from Apache Kafka: none known.
 */
import { ListConfigResources } from '../../protocol/index.ts'
import { resourceType } from '../config-resources.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'

const kinds: Readonly<Record<number, (broker: Broker) => Promise<string[]> | string[]>> = {
  [resourceType.group]: ({ configs }) => configs.list('group'),
  [resourceType.clientMetrics]: ({ configs }) => configs.list('client-metrics'),
  [resourceType.brokerLogger]: nodes,
  [resourceType.broker]: nodes,
  [resourceType.topic]: async ({ log }) => (await log.topics.list()).map(({ name }) => name),
}

export const listConfigResources = handler(ListConfigResources, {
  async handle(request, context) {
    const asked = context.apiVersion === 0 ? [resourceType.clientMetrics] : request.resourceTypes
    const wanted = asked.length === 0 ? Object.keys(kinds).map(Number) : [...new Set(asked)]
    if (wanted.some(kind => !Object.hasOwn(kinds, kind))) {
      return { throttleTimeMs: 0, errorCode: errorCodes.UNSUPPORTED_VERSION, configResources: [] }
    }
    try {
      const found = await Promise.all(
        wanted.map(async kind =>
          (await kinds[kind]!(context)).map(name => ({ resourceName: name, resourceType: kind })),
        ),
      )
      return { throttleTimeMs: 0, errorCode: 0, configResources: found.flat() }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: errorCodeOf(error, context.logger), configResources: [] }
    }
  },
})

function nodes({ cluster }: Broker): string[] {
  return cluster.gateways().map(({ nodeId }) => String(nodeId))
}
