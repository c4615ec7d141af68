/**
 * The records of share groups, as one process serves them: share partitions and share sessions. Any process may be asked for
 * any share partition (served-partition.ts says why that does no harm).
 */
import { type Clock, inParallel, type Logger } from '../base/index.ts'
import type { GroupConfigs } from '../configs/index.ts'
import type { Log } from '../log/index.ts'
import { spansOf } from './acknowledgement.ts'
import { acquireRecords, lookForRecords, type PartitionReader, type ShareConfigs, startOf } from './acquisition.ts'
import type { AcknowledgeRequest, Acquired, AcquireRequest, Consumer, TopicPartition } from './contract.ts'
import { orShareError, ShareError } from './errors.ts'
import { ServedPartition } from './served-partition.ts'
import { PARALLEL_READS_MAX, PARTITIONS_MAX } from './settings.ts'
import { newShareGroup } from './share-group-document.ts'
import type { ShareItems } from './share-items.ts'
import { acknowledge, type Lock, newSharePartition, release } from './share-partition.ts'
import type { Place } from './share-partition-document.ts'
import { keyOf, type ShareSession, ShareSessions } from './share-sessions.ts'

export interface ShareRecordsOptions {
  readonly items: ShareItems
  readonly log: Log
  readonly configs: GroupConfigs
  readonly clock: Clock
  readonly logger: Logger
  /** Names this process in locks. */
  readonly token: number
  readonly sessionsMax: number
}

export class ShareRecords {
  readonly sessions: ShareSessions
  readonly #items: ShareItems
  readonly #log: Log
  readonly #configs: GroupConfigs
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #token: number
  readonly #served = new Map<string, ServedPartition>()
  readonly #releasing = new Set<Promise<void>>()

  constructor({ items, log, configs, clock, logger, token, sessionsMax }: ShareRecordsOptions) {
    this.#items = items
    this.#log = log
    this.#configs = configs
    this.#clock = clock
    this.#logger = logger
    this.#token = token
    this.sessions = new ShareSessions(sessionsMax)
  }

  /** How long a member of the group holds what it acquires, in ms. @throws ShareError */
  async lockDurationMs(groupId: string): Promise<number> {
    const configs = await orShareError(() => this.#configsOf(groupId))
    return configs.recordLockDurationMs
  }

  /** Whether members may extend locks. @throws ShareError */
  async mayRenew(groupId: string): Promise<boolean> {
    const configs = await orShareError(() => this.#configsOf(groupId))
    return configs.renewAcknowledgeEnable
  }

  /** Whether there is anything to acquire, and else from which offset on to wait for it (undefined: only others' acknowledgements help). */
  async look(
    consumer: Consumer,
    place: TopicPartition,
    bytesMin: number,
  ): Promise<{ bytes: number; waitFrom?: number }> {
    return orShareError(async () => lookForRecords(await this.#reader(consumer.groupId, place), bytesMin))
  }

  /** Records that the member holds from now on; none where there are none. @throws ShareError */
  async acquire(request: AcquireRequest): Promise<Acquired> {
    return orShareError(async () => {
      const reader = await this.#reader(request.groupId, request)
      const { memberId, session } = request
      const durationMs = reader.configs.recordLockDurationMs
      const lock = { memberId, giver: this.#token, session, durationMs }
      return reader.served.inTurn(() => acquireRecords(reader, request, lock))
    })
  }

  /** All or none. @throws ShareError INVALID_RECORD_STATE, INVALID_REQUEST */
  async acknowledge({ batches, memberId, session, ...request }: AcknowledgeRequest): Promise<void> {
    const spans = spansOf(batches)
    await orShareError(async () => {
      const { served, configs } = await this.#reader(request.groupId, request)
      const durationMs = configs.recordLockDurationMs
      const lock = { memberId, giver: this.#token, session, durationMs }
      const deliveriesMax = configs.deliveryCountLimit
      await served.change(partition => {
        const outcome = acknowledge(partition, { lock, spans, deliveriesMax })
        if ('error' in outcome) throw new ShareError(outcome.error, outcome.message)
        return { partition: outcome.partition, answer: undefined }
      })
    })
  }

  /**
   * Resolves when there may be something to acquire in one of the partitions, when `timeoutMs` is over, or `signal` aborts.
   * `waitFrom`: as `look` said.
   */
  async waitForRecords(
    groupId: string,
    waiting: readonly (TopicPartition & { readonly waitFrom?: number })[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const done = new AbortController()
    const finish = () => done.abort()
    signal.addEventListener('abort', finish)
    if (signal.aborted) finish()
    const served = waiting.map(place => this.#serve(groupId, place))
    const stops = served.map(one => one.listen(finish))
    const lockEnd = Math.min(Number.POSITIVE_INFINITY, ...served.map(one => one.nextLockEnd))
    const untilMs = Math.max(0, Math.min(timeoutMs, lockEnd - this.#clock.monotonic()))
    const positions = waiting.flatMap(({ topic, partition, waitFrom }) =>
      waitFrom === undefined ? [] : [{ topic, partition, offset: waitFrom }],
    )
    await this.#log.waitForRecords(positions, untilMs, done.signal)
    for (const stop of stops) stop()
    signal.removeEventListener('abort', finish)
  }

  // ---------------------------------------------------------------- sessions

  /** Begins to read what the group has not read before, and sees what other processes did. @throws ShareError */
  async begin({ groupId }: Consumer, places: readonly TopicPartition[]): Promise<void> {
    await inParallel(places, PARALLEL_READS_MAX, place => orShareError(() => this.#serve(groupId, place).look(0)))
  }

  /**
   * A session in the place of the one there was. It ends when `signal` aborts: nobody hears its answers then.
   * @throws ShareError SHARE_SESSION_LIMIT_REACHED, SHARE_SESSION_NOT_FOUND (`signal` has aborted)
   */
  openSession(consumer: Consumer, places: readonly Place[], signal: AbortSignal): ShareSession {
    if (signal.aborted) throw new ShareError('SHARE_SESSION_NOT_FOUND', 'the connection of the share session is gone')
    const session = this.sessions.open(consumer, places)
    const end = () => void this.endSession(session, { unseen: false })
    signal.addEventListener('abort', end)
    session.signal.addEventListener('abort', () => signal.removeEventListener('abort', end))
    return session
  }

  /**
   * Ends a session and gives back what its member holds. `unseen`: the member closes it, so what it has not acknowledged
   * was not looked at, and this delivery does not count.
   */
  async endSession(session: ShareSession, options: { readonly unseen: boolean }): Promise<void> {
    if (!this.sessions.end(session)) return
    const work = this.#releaseAll(session, options.unseen)
    this.#releasing.add(work)
    await work
    this.#releasing.delete(work)
  }

  async #releaseAll(session: ShareSession, unseen: boolean): Promise<void> {
    try {
      await inParallel([...session.partitions.values()], PARALLEL_READS_MAX, async place => {
        const located = await this.#locate(place)
        if (located) await this.#release(session, located, unseen)
      })
    } catch (error) {
      // Their locks run out.
      this.#logger.warn('records not given back', { groupId: session.groupId, error: String(error) })
    }
  }

  async #locate({ topicId, partition }: Place): Promise<TopicPartition | undefined> {
    const topic = await this.#log.topics.find({ id: topicId })
    return topic && { topic, partition }
  }

  /** What this process gave in this session or one before; a later one may have begun, and keeps what it has. */
  async #release(session: ShareSession, place: TopicPartition, unseen: boolean): Promise<void> {
    const { served, configs } = await this.#reader(session.groupId, place)
    const { deliveryCountLimit: deliveriesMax } = configs
    const isOver = ({ memberId, giver, session: number }: Lock) =>
      memberId === session.memberId && giver === this.#token && number <= session.number
    await served.change(partition => ({
      partition: release(partition, isOver, { deliveriesMax, unseen }),
      answer: undefined,
    }))
  }

  /** Gives back what the sessions that end now held. */
  async close(): Promise<void> {
    await Promise.all(this.#releasing)
  }

  // ---------------------------------------------------------------- parts

  async #configsOf(groupId: string): Promise<ShareConfigs> {
    return (await this.#configs.ofGroup(groupId)).share
  }

  async #reader(groupId: string, place: TopicPartition): Promise<PartitionReader> {
    const configs = await this.#configsOf(groupId)
    return {
      served: this.#serve(groupId, place),
      log: this.#log,
      configs,
      topic: place.topic,
      partition: place.partition,
    }
  }

  #serve(groupId: string, { topic, partition }: TopicPartition): ServedPartition {
    const place = { topicId: topic.id, partition }
    const name = `${keyOf(place)}/${groupId}`
    const known = this.#served.get(name)
    if (known) return known
    if (this.#served.size >= PARTITIONS_MAX) this.#forgetIdle()
    const served = new ServedPartition({
      ...place,
      groupId,
      items: this.#items,
      clock: this.#clock,
      deliveriesMax: async () => (await this.#configsOf(groupId)).deliveryCountLimit,
      create: () => this.#create(groupId, { topic, partition }),
    })
    this.#served.set(name, served)
    return served
  }

  /** The first half of those that nobody uses: what they knew is read again. */
  #forgetIdle(): void {
    const idle = [...this.#served].filter(([, served]) => served.isIdle)
    for (const [name] of idle.slice(0, Math.ceil(idle.length / 2))) this.#served.delete(name)
  }

  /** Begins to read a partition, where the group's config says. The group comes to be with it, if it is not there. */
  async #create(groupId: string, { topic, partition }: TopicPartition): Promise<void> {
    const group = await this.#items.readGroup(groupId)
    if (!group.value) {
      await this.#items.writeGroup(groupId, 'absent', newShareGroup(this.#clock.now()))
      return
    }
    const configs = await this.#configsOf(groupId)
    const start = await startOf(this.#log, { topic, partition }, configs, this.#clock.now())
    const value = newSharePartition(start, this.#items.drawFirstLock())
    await this.#items.writePartition(
      groupId,
      { topicId: topic.id, partition },
      { expected: 'absent', value, group: group.version },
    )
  }
}
