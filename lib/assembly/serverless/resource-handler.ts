/** Custom resources of CloudFormation: topics and subscriptions, by `ResourceType`. What cannot be done fails with a sentence. */
import { functionVarve } from './open-varve.ts'
import { NOTHING, ResourceError, type ResourceRequest, type ResourceResult } from './resource-request.ts'
import { applySubscription } from './subscription-resource.ts'
import { subscriptionsElsewhere } from './subscriptions-elsewhere.ts'
import { applyTopic } from './topic-resource.ts'

const ANSWER_MS_MAX = 20_000

export function resourceHandler(): (event: ResourceRequest) => Promise<void> {
  return async event => {
    const varve = functionVarve()
    await varve.invoke('resource', async () => {
      let answer: Record<string, unknown>
      try {
        const { physicalId, data } = await apply(varve, event)
        answer = { Status: 'SUCCESS', PhysicalResourceId: physicalId, Data: data }
      } catch (error) {
        const { RequestType: request, ResourceType: type } = event
        varve.logger.error('resource failed', { request, type, error: String(error) })
        const Reason = error instanceof Error ? error.message : String(error)
        answer = { Status: 'FAILED', Reason, PhysicalResourceId: event.PhysicalResourceId ?? NOTHING }
      }
      const { StackId, RequestId, LogicalResourceId } = event
      await tell(event.ResponseURL, { ...answer, StackId, RequestId, LogicalResourceId })
    })
  }
}

function apply(varve: ReturnType<typeof functionVarve>, event: ResourceRequest): Promise<ResourceResult> {
  switch (event.ResourceType) {
    case 'Custom::VarveTopic':
      return applyTopic(varve.log.topics, event)
    case 'Custom::VarveSubscription':
      return applySubscription(
        { subscriptions: subscriptionsElsewhere(varve, { served: true }), random: varve.random },
        event,
      )
    default:
      throw new ResourceError(`There is no resource ${event.ResourceType} here.`)
  }
}

/** CloudFormation waits for this answer for an hour. */
async function tell(url: string, answer: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify(answer)
  const headers = { 'content-type': '', 'content-length': String(Buffer.byteLength(body)) }
  const response = await fetch(url, { method: 'PUT', headers, body, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: HTTP ${response.status}`)
}
