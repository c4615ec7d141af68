/** The topic that records are produced to: it is there, or is made with the first record that may go into it. */
import { LogError, type Topic } from '../../log/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import type { Call } from '../route.ts'
import { type Appender, type AppendOptions, type Outcome, unknownPartition } from './appender.ts'
import type { InputRecord } from './record-input.ts'

export interface TargetTopic {
  readonly name: string
  /** That it has, or will have. */
  readonly partitions: number
  /** The same promise for all who ask, so that they go on in their order. @throws LogError, StoreError */
  open(): Promise<Topic>
}

/** Refuses what could not be made; makes nothing. @throws LogError, HttpError FORBIDDEN */
export async function topicFor(
  { params, demand }: Pick<Call<{ topic: string }, unknown>, 'params' | 'demand'>,
  { log, autoCreateTopics, defaultPartitions }: HttpParts,
): Promise<TargetTopic> {
  const { topics } = log
  const { topic: name } = params
  let known = await topics.find({ name })
  if (!known && autoCreateTopics) {
    demand('admin', name)
    try {
      const wanted = { name, partitions: defaultPartitions }
      await topics.validate(wanted)
      let made: Promise<Topic> | undefined
      return {
        ...wanted,
        open: () => {
          made ??= make(wanted, { topics })
          return made
        },
      }
    } catch (error) {
      if (!isThere(error)) throw error
      known = await topics.find({ name })
    }
  }
  if (!known) throw new LogError('UNKNOWN_TOPIC', `there is no topic '${name}'`)
  const there = Promise.resolve(known)
  return { name, partitions: known.partitions, open: () => there }
}

async function make(
  wanted: { readonly name: string; readonly partitions: number },
  { topics }: Pick<HttpParts['log'], 'topics'>,
): Promise<Topic> {
  try {
    return await topics.create(wanted)
  } catch (error) {
    // Somebody else made it in between.
    const found = isThere(error) ? await topics.find({ name: wanted.name }) : undefined
    if (!found) throw error
    return found
  }
}

function isThere(error: unknown): boolean {
  return error instanceof LogError && error.code === 'TOPIC_EXISTS'
}

/**
 * The outcome of each record, in order; one that could not be read has that error. The topic is made if one of the others may go into it.
 * @throws what `open` throws
 */
export async function appendTo(
  target: TargetTopic,
  records: readonly (InputRecord | HttpError)[],
  { appender, ...options }: AppendOptions & { readonly appender: Appender },
): Promise<Outcome[]> {
  const read = records.flatMap(one => (one instanceof HttpError ? [] : [one]))
  const fits = ({ partition }: InputRecord) => partition === undefined || partition < target.partitions
  const outcomes: readonly Outcome[] = read.some(fits)
    ? await appender.append(await target.open(), read, options)
    : read.map(({ partition }) => ({ error: unknownPartition(target, partition!) }))
  const rest = outcomes.values()
  return records.map(one => (one instanceof HttpError ? { error: one } : rest.next().value!))
}
