/**
 * A topic as a CloudFormation custom resource. Properties: `Name`, `Partitions`, `Configs` (an object of texts).
 *
 * No change of a template loses records. A topic that was there before is adopted: it gets the partitions and configs, and is never
 * deleted by the stack. One that the stack made is deleted with the resource (which CDK sends only where its removal policy says
 * so), and only by its id, so not one made again under its name. What cannot be done without loss, another name or fewer
 * partitions, fails with a sentence that says what to do.
 */
import { type Log, LogError, type Topic } from '../../log/index.ts'
import { NOTHING, ResourceError, type ResourceRequest, type ResourceResult } from './resource-request.ts'

interface TopicProperties {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

type Topics = Log['topics']

/** @throws LogError, ResourceError */
export async function applyTopic(topics: Topics, event: ResourceRequest): Promise<ResourceResult> {
  const { PhysicalResourceId = NOTHING } = event
  if (event.RequestType === 'Delete') return deleteTopic(topics, PhysicalResourceId)
  const wanted = readProperties(event.ResourceProperties)
  if (event.RequestType === 'Create') return createTopic(topics, wanted)
  const old = readProperties(event.OldResourceProperties ?? event.ResourceProperties)
  if (old.name !== wanted.name) {
    throw new ResourceError(
      `A topic keeps its name: leave '${old.name}' as it is, and add '${wanted.name}' as another topic.`,
    )
  }
  return resultOf(PhysicalResourceId, await changeTopic(topics, wanted, old))
}

async function createTopic(topics: Topics, wanted: TopicProperties): Promise<ResourceResult> {
  try {
    const topic = await topics.create(wanted)
    return resultOf(`created/${topic.id}`, topic)
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'TOPIC_EXISTS') throw error
    const topic = await changeTopic(topics, wanted, { ...wanted, configs: {} })
    return resultOf(`adopted/${topic.id}`, topic)
  }
}

async function changeTopic(topics: Topics, wanted: TopicProperties, old: TopicProperties): Promise<Topic> {
  const { name, partitions, configs } = wanted
  const topic = await topics.find({ name })
  if (!topic) throw new ResourceError(`The topic '${name}' is gone: it was deleted by other means.`)
  if (topic.partitions > partitions) {
    throw new ResourceError(
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

async function deleteTopic(topics: Topics, physicalId: string): Promise<ResourceResult> {
  const [kind, id] = physicalId.split('/')
  const topic = kind === 'created' && id ? await topics.find({ id }) : undefined
  if (topic) {
    await topics.delete(topic.name).catch(error => {
      if (!(error instanceof LogError) || error.code !== 'UNKNOWN_TOPIC') throw error
    })
  }
  return { physicalId, data: {} }
}

/** `created` or `adopted`: whether the stack may delete the topic. */
function resultOf(physicalId: string, { name, id, partitions }: Topic): ResourceResult {
  return { physicalId, data: { Name: name, Id: id, Partitions: partitions } }
}

function readProperties({ Name, Partitions, Configs }: Readonly<Record<string, unknown>>): TopicProperties {
  const partitions = Number(Partitions ?? 1)
  if (typeof Name !== 'string' || Name === '') throw new ResourceError('A topic needs the property Name.')
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new ResourceError(`Partitions of topic '${Name}' must be a whole number from 1.`)
  }
  const configs = typeof Configs === 'object' && Configs !== null ? Object.entries(Configs) : []
  return { name: Name, partitions, configs: Object.fromEntries(configs.map(([key, value]) => [key, String(value)])) }
}
