import { VarveError } from '../base/index.ts'

/**
 * What a person reads when a command fails: one plain sentence that says what to do. Errors of the client library
 * become such sentences here and nowhere else.
 */

/** The command cannot do what was asked; the message is for the person who asked. Exit code 1. */
export class CommandError extends VarveError {
  readonly code = 'COMMAND_FAILED'
}

/** The command line itself is wrong. Exit code 2. */
export class UsageError extends VarveError {
  readonly code = 'USAGE'
}

const sentences: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION:
    'The topic or partition does not exist: see `varve topics list`, or make it with `varve topics create`.',
  UNKNOWN_TOPIC_ID: 'The topic was deleted meanwhile: see `varve topics list`.',
  TOPIC_ALREADY_EXISTS: 'The topic exists already: choose another name, or pass --if-not-exists to accept it.',
  INVALID_TOPIC_EXCEPTION:
    'The topic name is not allowed: use up to 249 letters, digits, dots, dashes and underscores.',
  INVALID_PARTITIONS: 'The number of partitions is not allowed: pass --partitions with a number from 1.',
  INVALID_REPLICATION_FACTOR: 'The server cannot keep that many replicas: leave --replicas out to take its default.',
  INVALID_CONFIG: 'The server refused a topic config: check the names and values given with --config.',
  TOPIC_DELETION_DISABLED: 'The server does not allow topics to be deleted: ask whoever runs it.',
  MESSAGE_TOO_LARGE: 'A record is larger than the topic allows: send smaller records, or raise its max.message.bytes.',
  RECORD_LIST_TOO_LARGE:
    'A batch is larger than the topic allows: send smaller records, or raise its max.message.bytes.',
  INVALID_RECORD: 'The server refused a record: the topic may be compacted, and then every record needs a key.',
  GROUP_ID_NOT_FOUND: 'The group does not exist: see `varve groups list`.',
  INVALID_GROUP_ID: 'The group name is not allowed: pass a name that is not empty.',
  UNKNOWN_MEMBER_ID: 'The group has active members: stop its consumers, then try again.',
  REBALANCE_IN_PROGRESS: 'The group has active members: stop its consumers, then try again.',
  NON_EMPTY_GROUP: 'The group has active members: stop its consumers, then try again.',
  TOPIC_AUTHORIZATION_FAILED: 'You may not use this topic: ask whoever runs the server for the right.',
  GROUP_AUTHORIZATION_FAILED: 'You may not use this group: ask whoever runs the server for the right.',
  CLUSTER_AUTHORIZATION_FAILED: 'You may not do this on this cluster: ask whoever runs the server for the right.',
  REQUEST_TIMED_OUT: 'The server did not finish in time, and may still do it: look before you try again.',
  POLICY_VIOLATION: 'A policy of the server forbids this: ask whoever runs it.',
}

/** The error as one sentence that tells what to do. */
export function explainFailure(error: unknown, bootstrap: string): string {
  if (error instanceof VarveError) return error.message
  const causes = [...leaves(error)]
  for (const cause of causes) {
    const sentence = sentences[cause.apiId ?? '']
    if (sentence !== undefined) return cause.serverErrorMessage ? `${sentence} (${cause.serverErrorMessage})` : sentence
  }
  const topic = causes.map(cause => /^Unknown topic (.+)\.$/.exec(cause.message)?.[1]).find(name => name !== undefined)
  if (topic !== undefined) return missingTopic(topic).message
  if (causes.some(cause => cause.code === 'PLT_KFK_UNSUPPORTED_API')) {
    return `The server at ${bootstrap} does not support this command: use a newer server.`
  }
  if (causes.some(cause => cause.code === 'PLT_KFK_NETWORK' || cause.syscall !== undefined)) {
    return `Cannot reach a Kafka server at ${bootstrap}: start one with \`varve start\`, or name another with --bootstrap HOST:PORT.`
  }
  const last = causes.at(-1)
  const reason = last?.serverErrorMessage ?? last?.message ?? String(error)
  return `The server at ${bootstrap} refused: ${last?.apiId ? `${last.apiId}, ` : ''}${reason}`
}

export function missingTopic(name: string): CommandError {
  return new CommandError(
    `Topic ${name} does not exist: see \`varve topics list\`, or make it with \`varve topics create ${name}\`.`,
  )
}

/** The library's error codes and Kafka's, wherever they are in the tree of causes. */
export function failureHas(error: unknown, property: 'apiId' | 'code', value: string): boolean {
  return [...leaves(error)].some(cause => cause[property] === value)
}

interface Cause {
  readonly message: string
  readonly code?: string
  readonly apiId?: string
  readonly serverErrorMessage?: string | null
  readonly syscall?: string
}

/** An error, and all that it was made of, inmost last. */
function* leaves(error: unknown): Generator<Cause> {
  if (!(error instanceof Error)) return
  yield error
  if (error instanceof AggregateError) for (const part of error.errors) yield* leaves(part)
  yield* leaves(error.cause)
}
