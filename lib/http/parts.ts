/** What the routes work with; one for the life of an app. */
import type { Clock, Logger, Random } from '../base/index.ts'
import type { Groups } from '../groups/index.ts'
import type { Log } from '../log/index.ts'
import type { Subscriptions } from '../push/index.ts'
import type { ApiKeys } from '../security/index.ts'
import type { AnswerMemory } from './answer-memory.ts'
import type { BodyMemory } from './body-memory.ts'
import type { HttpLimits } from './limits.ts'
import type { Appender } from './produce/appender.ts'
import type { IdempotencyKeys } from './produce/idempotency-keys.ts'
import type { ConsumerInstances } from './rest-proxy/consumer-instances.ts'

export interface HttpParts {
  readonly log: Log
  readonly groups: Groups
  readonly subscriptions: Subscriptions
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Whether producing to a topic makes it. */
  readonly autoCreateTopics: boolean
  /** Of a topic that does not say. */
  readonly defaultPartitions: number
  /** Aborts when the process shuts down: whoever waits should answer. */
  readonly closing: AbortSignal
  readonly limits: HttpLimits
  readonly appender: Appender
  readonly bodyMemory: BodyMemory
  readonly answerMemory: AnswerMemory
  readonly idempotencyKeys: IdempotencyKeys
  readonly keys: ApiKeys
  readonly instances: ConsumerInstances
  /** As Kafka shows it. */
  readonly clusterId: string
}
