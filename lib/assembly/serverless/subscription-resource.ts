/**
 * A push subscription as a CloudFormation custom resource. Properties: `Name`, `Topic`, `Target` (`Kind` and what the kind has: `Url`;
 * `Function`; `QueueUrl`; `Bus`, `Source`, `DetailType`), `Patterns` (JSON), `From`, and of the policy `RecordsMax`, `BytesMax`,
 * `WindowMs`, `AttemptsMax`, `DeadLetterTopic`.
 *
 * A change goes into the subscription that there is, which goes on where it was; another name is another subscription. One that was
 * there under the name when the stack came becomes the stack's. A webhook's
 * secret is drawn here and told nobody (POST /v1/subscriptions/NAME/secret draws one that is told). Deleted is only what has the id
 * that was made, so not one made again under its name.
 */
import type { Random } from '../../base/index.ts'
import {
  defaultPolicy,
  type EventPattern,
  type Policy,
  PushError,
  type Subscription,
  type Subscriptions,
  type TargetSpec,
  webhookSecret,
} from '../../push/index.ts'
import { NOTHING, ResourceError, type ResourceRequest, type ResourceResult } from './resource-request.ts'

type Properties = Readonly<Record<string, unknown>>

interface Wanted {
  readonly name: string
  readonly topic: string
  readonly target: TargetSpec
  readonly patterns: readonly EventPattern[]
  readonly policy: Policy
  readonly from: 'earliest' | 'latest' | number
}

interface Parts {
  readonly subscriptions: Subscriptions
  readonly random: Random
}

const SECRET_BYTES = 32

/** @throws PushError, ResourceError, LogError, StoreError */
export async function applySubscription(parts: Parts, event: ResourceRequest): Promise<ResourceResult> {
  const { PhysicalResourceId = NOTHING } = event
  if (event.RequestType === 'Delete') return deleteSubscription(parts, PhysicalResourceId)
  const wanted = readProperties(event.ResourceProperties, parts.random)
  const current = await find(parts, wanted.name)
  // It may be an earlier attempt at the same request, which got no answer, or not to its end.
  if (current?.state === 'creating' || current?.state === 'deleting') await parts.subscriptions.delete(wanted.name)
  else if (current) return resultOf(await change(parts, current, wanted))
  return resultOf(await parts.subscriptions.create(wanted))
}

function change({ subscriptions }: Parts, current: Subscription, wanted: Wanted): Promise<Subscription> {
  if (current.topic !== wanted.topic) {
    throw new ResourceError(
      `A subscription keeps its topic: '${current.name}' is one of '${current.topic}'. Give that of '${wanted.topic}' another name.`,
    )
  }
  return subscriptions.change(wanted.name, ({ target }) => ({
    target:
      target.kind === 'webhook' && wanted.target.kind === 'webhook'
        ? { ...target, url: wanted.target.url }
        : wanted.target,
    patterns: wanted.patterns,
    policy: wanted.policy,
  }))
}

async function deleteSubscription(parts: Parts, physicalId: string): Promise<ResourceResult> {
  const [name = '', id] = physicalId.split('/')
  const current = id === undefined ? undefined : await find(parts, name)
  if (current?.id === id && current) await parts.subscriptions.delete(name)
  return { physicalId, data: {} }
}

async function find({ subscriptions }: Parts, name: string): Promise<Subscription | undefined> {
  try {
    return (await subscriptions.get(name)).subscription
  } catch (error) {
    if (error instanceof PushError && error.code === 'UNKNOWN_SUBSCRIPTION') return undefined
    throw error
  }
}

function resultOf({ id, name, topic }: Subscription): ResourceResult {
  return { physicalId: `${name}/${id}`, data: { Name: name, Id: id, Topic: topic } }
}

/** CloudFormation makes texts of numbers. @throws ResourceError */
function readProperties(properties: Properties, random: Random): Wanted {
  const { Name, Topic, Target, Patterns = '[]', From = 'latest' } = properties
  const optional = (name: string) => (properties[name] === undefined ? undefined : Number(properties[name]))
  const given = {
    recordsMax: optional('RecordsMax'),
    bytesMax: optional('BytesMax'),
    windowMs: optional('WindowMs'),
    attemptsMax: optional('AttemptsMax'),
    deadLetterTopic: properties.DeadLetterTopic === undefined ? undefined : String(properties.DeadLetterTopic),
  }
  const from = From === 'earliest' || From === 'latest' ? From : Date.parse(String(From))
  if (Number.isNaN(from)) throw new ResourceError(`From must be earliest, latest or a time, but is ${String(From)}.`)
  return {
    name: textOf(Name, 'Name'),
    topic: textOf(Topic, 'Topic'),
    target: readTarget((Target ?? {}) as Properties, random),
    patterns: JSON.parse(String(Patterns)),
    policy: {
      ...defaultPolicy,
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    },
    from,
  }
}

function readTarget({ Kind, ...of }: Properties, random: Random): TargetSpec {
  switch (Kind) {
    case 'webhook':
      return { kind: Kind, url: textOf(of.Url, 'Url'), secret: webhookSecret(random.bytes(SECRET_BYTES)) }
    case 'function':
      return { kind: Kind, name: textOf(of.Function, 'Function') }
    case 'sqs':
      return { kind: Kind, queueUrl: textOf(of.QueueUrl, 'QueueUrl') }
    case 'eventbridge':
      return {
        kind: Kind,
        bus: textOf(of.Bus, 'Bus'),
        source: textOf(of.Source ?? 'varve', 'Source'),
        detailType: textOf(of.DetailType ?? 'varve record', 'DetailType'),
      }
    default:
      throw new ResourceError(`There is no target of kind ${String(Kind)}.`)
  }
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new ResourceError(`A subscription needs the property ${name}.`)
  return value
}
