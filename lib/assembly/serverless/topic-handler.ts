/**
 * A topic as a CloudFormation custom resource. Properties: `Name`, `Partitions`, `Configs` (an object of texts).
 *
 * No change of a template loses records. A topic that was there before is adopted: it gets the partitions and configs, and is never
 * deleted by the stack. One that the stack made is deleted with the resource (which CDK sends only where its removal policy says
 * so), and only by its id, so not one made again under its name. What cannot be done without loss, another name or fewer
 * partitions, fails with a sentence that says what to do.
 */
import { LogError, type Topic } from '../../log/index.ts'
import { functionVarve } from './open-varve.ts'

/** As CloudFormation sends it ("Custom resource request objects"). */
interface TopicRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete'
  readonly ResponseURL: string
  readonly StackId: string
  readonly RequestId: string
  readonly LogicalResourceId: string
  readonly PhysicalResourceId?: string
  readonly ResourceProperties: Readonly<Record<string, unknown>>
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>
}

interface TopicProperties {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** What became of the resource: its physical id says whether the stack may delete the topic. */
export interface TopicResult {
  readonly physicalId: string
  readonly topic?: Topic
}

const ANSWER_MS_MAX = 20_000
/** Of a resource that was never made: deleting it does nothing. */
const NOTHING = 'nothing'

export function topicHandler(): (event: TopicRequest) => Promise<void> {
  return async event => {
    const varve = functionVarve()
    await varve.invoke('topic', async () => {
      let answer: Record<string, unknown>
      try {
        const { physicalId, topic } = await applyTopic(varve.log.topics, event)
        const Data = topic ? { Name: topic.name, Id: topic.id, Partitions: topic.partitions } : {}
        answer = { Status: 'SUCCESS', PhysicalResourceId: physicalId, Data }
      } catch (error) {
        varve.logger.error('topic resource failed', { request: event.RequestType, error: String(error) })
        const Reason = error instanceof Error ? error.message : String(error)
        answer = { Status: 'FAILED', Reason, PhysicalResourceId: event.PhysicalResourceId ?? NOTHING }
      }
      const { StackId, RequestId, LogicalResourceId } = event
      await tell(event.ResponseURL, { ...answer, StackId, RequestId, LogicalResourceId })
    })
  }
}

type Topics = ReturnType<typeof functionVarve>['log']['topics']

/** @throws LogError, TopicResourceError */
export async function applyTopic(topics: Topics, event: TopicRequest): Promise<TopicResult> {
  const { PhysicalResourceId = NOTHING } = event
  if (event.RequestType === 'Delete') return deleteTopic(topics, PhysicalResourceId)
  const wanted = readProperties(event.ResourceProperties)
  if (event.RequestType === 'Create') return createTopic(topics, wanted)
  const old = readProperties(event.OldResourceProperties ?? event.ResourceProperties)
  if (old.name !== wanted.name) {
    throw new TopicResourceError(
      `A topic keeps its name: leave '${old.name}' as it is, and add '${wanted.name}' as another topic.`,
    )
  }
  return { physicalId: PhysicalResourceId, topic: await changeTopic(topics, wanted, old) }
}

async function createTopic(topics: Topics, wanted: TopicProperties): Promise<TopicResult> {
  try {
    const topic = await topics.create(wanted)
    return { physicalId: `created/${topic.id}`, topic }
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'TOPIC_EXISTS') throw error
    const topic = await changeTopic(topics, wanted, { ...wanted, configs: {} })
    return { physicalId: `adopted/${topic.id}`, topic }
  }
}

async function changeTopic(topics: Topics, wanted: TopicProperties, old: TopicProperties): Promise<Topic> {
  const { name, partitions, configs } = wanted
  const topic = await topics.find({ name })
  if (!topic) throw new TopicResourceError(`The topic '${name}' is gone: it was deleted by other means.`)
  if (topic.partitions > partitions) {
    throw new TopicResourceError(
      `Topic '${name}' has ${topic.partitions} partitions, and partitions are never taken away: ask for as many, or more.`,
    )
  }
  const gone = Object.keys(old.configs).filter(key => !(key in configs))
  if (gone.length > 0 || Object.entries(configs).some(([key, value]) => topic.configs[key] !== value)) {
    await topics.changeConfigs(name, current => ({
      ...Object.fromEntries(Object.entries(current).filter(([key]) => !gone.includes(key))),
      ...configs,
    }))
  }
  return topic.partitions < partitions ? topics.addPartitions(name, partitions) : topic
}

async function deleteTopic(topics: Topics, physicalId: string): Promise<TopicResult> {
  const [kind, id] = physicalId.split('/')
  const topic = kind === 'created' && id ? await topics.find({ id }) : undefined
  if (topic) {
    await topics.delete(topic.name).catch(error => {
      if (!(error instanceof LogError) || error.code !== 'UNKNOWN_TOPIC') throw error
    })
  }
  return { physicalId }
}

export class TopicResourceError extends Error {
  override readonly name = 'TopicResourceError'
}

function readProperties({ Name, Partitions, Configs }: Readonly<Record<string, unknown>>): TopicProperties {
  const partitions = Number(Partitions ?? 1)
  if (typeof Name !== 'string' || Name === '') throw new TopicResourceError('A topic needs the property Name.')
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new TopicResourceError(`Partitions of topic '${Name}' must be a whole number from 1.`)
  }
  const configs = typeof Configs === 'object' && Configs !== null ? Object.entries(Configs) : []
  return { name: Name, partitions, configs: Object.fromEntries(configs.map(([key, value]) => [key, String(value)])) }
}

/** CloudFormation waits for this answer for an hour. */
async function tell(url: string, answer: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify(answer)
  const headers = { 'content-type': '', 'content-length': String(Buffer.byteLength(body)) }
  const response = await fetch(url, { method: 'PUT', headers, body, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: HTTP ${response.status}`)
}
