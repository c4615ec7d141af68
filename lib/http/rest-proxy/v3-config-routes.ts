/** REST Proxy v3: configs of topics, read, set and reset. */
import * as z from 'zod'
import { type Topic, topicConfigs } from '../../log/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, jsonResponse, type Route, route } from '../route.ts'
import { mayUse } from '../topic-routes.ts'
import {
  checkCluster,
  cluster,
  clusterParams,
  JSON_TYPE,
  Resources,
  topicInCluster,
  topicParams,
  v3,
} from './v3-answers.ts'

const configs = `${cluster}/topics/{topic}/configs`
const params = topicParams.extend({ name: z.string() })

const valueSchema = z.looseObject({ value: z.string().nullish().describe('null: the default.') })
const alterSchema = z.looseObject({
  data: z.array(
    z.looseObject({
      name: z.string(),
      value: z.string().nullish(),
      operation: z.enum(['SET', 'DELETE']).nullish().describe('SET unless told.'),
    }),
  ),
  validate_only: z.boolean().nullish(),
})

export const v3ConfigRoutes: readonly Route[] = [
  // Before the one with the name of a topic.
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics/-/configs`,
    summary: 'List the configs of all topics',
    params: clusterParams,
    answers: { 200: { description: 'Of topics that the caller may use.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      const resources = new Resources(call.request, parts)
      const topics = (await parts.log.topics.list()).filter(({ name }) => mayUse(call.principal, name))
      return resources.list(
        'TopicConfig',
        topics.flatMap(topic => Object.keys(topicConfigs).map(name => configOf(resources, topic, name))),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: configs,
    summary: 'List the configs of a topic',
    params: topicParams,
    answers: { 200: { description: 'Those that were set, and the defaults.' } },
    async handle(call, parts) {
      const topic = await topicInCluster(call, parts)
      const resources = new Resources(call.request, parts)
      return resources.list(
        'TopicConfig',
        Object.keys(topicConfigs).map(name => configOf(resources, topic, name)),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${configs}/{name}`,
    summary: 'A config of a topic',
    params,
    answers: { 200: { description: 'As it was set, or the default.' } },
    async handle(call, parts) {
      const topic = await topicInCluster(call, parts)
      checkName(call.params.name)
      return jsonResponse(configOf(new Resources(call.request, parts), topic, call.params.name))
    },
  }),
  route({
    ...v3,
    method: 'put',
    path: `${configs}/{name}`,
    summary: 'Set a config of a topic',
    params,
    body: { [JSON_TYPE]: valueSchema },
    answers: { 204: { description: 'It is set.' } },
    async handle(call, parts) {
      const { value } = await call.json(valueSchema)
      checkName(call.params.name)
      return alter(call, [{ name: call.params.name, value: value ?? undefined }], parts)
    },
  }),
  route({
    ...v3,
    method: 'delete',
    path: `${configs}/{name}`,
    summary: 'Reset a config of a topic to its default',
    params,
    answers: { 204: { description: 'It is the default.' } },
    async handle(call, parts) {
      checkName(call.params.name)
      return alter(call, [{ name: call.params.name, value: undefined }], parts)
    },
  }),
  route({
    ...v3,
    method: 'post',
    path: `${configs}:alter`,
    summary: 'Set and reset configs of a topic, all or none',
    params: topicParams,
    body: { [JSON_TYPE]: alterSchema },
    answers: { 204: { description: 'It is done; with validate_only: it could be.' } },
    async handle(call, parts) {
      const { data, validate_only: validateOnly } = await call.json(alterSchema)
      const changes = data.map(({ name, value, operation }) => {
        if (operation !== 'DELETE' && typeof value !== 'string') {
          throw new HttpError('BAD_REQUEST', `body.data: ${name} has no value to be set to`)
        }
        return { name, value: operation === 'DELETE' ? undefined : (value ?? undefined) }
      })
      return alter(call, changes, parts, validateOnly === true)
    },
  }),
]

/** `value` undefined: the default again. */
async function alter(
  call: Call<z.infer<typeof topicParams>, unknown>,
  changes: readonly { readonly name: string; readonly value: string | undefined }[],
  parts: HttpParts,
  validateOnly = false,
): Promise<Response> {
  checkCluster(call, parts)
  call.demand('admin', call.params.topic)
  const change = (set: Readonly<Record<string, string>>) => {
    const changed = new Map(Object.entries(set))
    for (const { name, value } of changes) {
      if (value === undefined) changed.delete(name)
      else changed.set(name, value)
    }
    return Object.fromEntries(changed)
  }
  await parts.log.topics.changeConfigs(call.params.topic, change, { validateOnly })
  return new Response(null, { status: 204 })
}

/** @throws HttpError NOT_FOUND */
function checkName(name: string): void {
  if (!Object.hasOwn(topicConfigs, name)) throw new HttpError('NOT_FOUND', `topics have no config ${name}`)
}

function configOf(resources: Resources, topic: Topic, name: string): object {
  const set = topic.configs[name]
  const byDefault = { name, value: topicConfigs[name]!.default, source: 'DEFAULT_CONFIG' }
  const told = set === undefined ? byDefault : { name, value: set, source: 'DYNAMIC_TOPIC_CONFIG' }
  return resources.one('TopicConfig', ['topics', topic.name, 'configs', name], {
    topic_name: topic.name,
    ...told,
    is_default: set === undefined,
    is_read_only: false,
    is_sensitive: false,
    synonyms: set === undefined ? [byDefault] : [told, byDefault],
  })
}
