/**
 * The job of upkeep that archives topics with `varve.archive=iceberg`. It looks by reads alone; a topic is due when a record
 * that is not archived yet is as old as the topic's `varve.archive.lag.ms`. The archive of a deleted topic stays; only its
 * pointer goes.
 */
import {
  type Log,
  LogError,
  numberConfig,
  readPage,
  type Topic,
  textConfig,
  type UpkeepJob,
  type UpkeepPass,
} from '../log/index.ts'
import { queryAll } from '../storage/index.ts'
import { ARCHIVES, archiveKey, decodeArchive } from './archive-item.ts'
import type { ArchiveParts } from './archive-some.ts'
import { DEFAULT_ARCHIVE_LIMITS } from './limits.ts'
import { clearAway, isPublished, publish, readArchive, swapArchive } from './stored-archive.ts'

/** A put may come so late after who sent it has stopped or slept; then the folder is not looked at any more until there is a new edition. */
const LATE_PUTS_MS = 3_600_000
/** Positions whose first record's time is remembered. */
const TIMES_MAX = 10_000

interface JobParts extends ArchiveParts {
  /** What writes Parquet and Avro is loaded where it is used. */
  readonly loadArchiver: () => Promise<Pick<typeof import('./archive-topic.ts'), 'archiveTopic'>>
}

export function archiveJob(parts: Omit<ArchiveParts, 'limits'> & Partial<JobParts>, intervalMs: number): UpkeepJob {
  const archiver = new Archiver({
    limits: DEFAULT_ARCHIVE_LIMITS,
    loadArchiver: () => import('./archive-topic.ts'),
    ...parts,
  })
  return { name: 'archive', intervalMs, intervalMsMax: intervalMs, run: pass => archiver.run(pass) }
}

class Archiver {
  readonly #parts: JobParts
  readonly #times: FirstTimes
  /** By topic id, the edition that readers of the folder find, and since when (monotonic) that is known. */
  readonly #published = new Map<string, { readonly edition: number; readonly since: number }>()

  constructor(parts: JobParts) {
    this.#parts = parts
    this.#times = new FirstTimes(parts.log)
  }

  /** @throws StoreError, CorruptDataError, LogError: of the first topic that failed; the others were tried all the same */
  async run(pass: UpkeepPass): Promise<boolean> {
    let busy = false
    let failure: unknown
    const topics = await this.#parts.log.topics.list()
    for (const topic of topics) {
      if (pass.signal.aborted) return busy
      if (textConfig(topic.configs, 'varve.archive') !== 'iceberg' || !pass.isMine(`archive/${topic.id}`)) continue
      try {
        if (await this.#archive(topic, pass)) busy = true
      } catch (error) {
        // A topic that was deleted meanwhile is no failure.
        if (!(error instanceof LogError && error.code === 'UNKNOWN_TOPIC')) failure ??= error
      }
      await pass.pause()
    }
    if (await this.#forgetDeleted(new Set(topics.map(({ id }) => id)), pass)) busy = true
    if (failure !== undefined) throw failure
    return busy
  }

  async #archive(topic: Topic, pass: UpkeepPass): Promise<boolean> {
    await this.#mend(topic, pass)
    const ends = await this.#endsOf(topic)
    if (!ends) return false
    if (pass.dry) {
      pass.tell(topic.name, 'its records are due to be archived')
      return true
    }
    // Where all is in memory nothing else would wait, and the lease's renewal would not get its turn.
    const pause = async () => {
      await this.#parts.clock.sleep(0)
      await pass.pause()
    }
    const archived = await pass.hold(`archive/${topic.id}`, async signal => {
      const { archiveTopic } = await this.#parts.loadArchiver()
      const sum = { records: 0, files: 0 }
      for (;;) {
        const some = await archiveTopic(this.#parts, { topic, ends, signal, pause })
        sum.records += some?.records ?? 0
        sum.files += some?.files ?? 0
        if (!some?.isFull) return sum
      }
    })
    if (!archived || archived.files === 0) return false
    pass.tell(topic.name, `archived: ${archived.records} records in ${archived.files} files`)
    return true
  }

  /**
   * A process that stopped before it published its commit left readers of the folder at the one before; what it had sent may come
   * later, and put them back.
   */
  async #mend(topic: Topic, pass: UpkeepPass): Promise<void> {
    const { items, files, clock } = this.#parts
    const stored = await readArchive(items, topic.id)
    if (!stored || pass.dry) return
    const { edition } = stored.item
    const known = this.#published.get(topic.id)
    const now = clock.monotonic()
    const since = known?.edition === edition ? known.since : now
    if (now - since > LATE_PUTS_MS) return
    if (!(await isPublished(files, topic, stored.item))) await publish(this.#parts, topic, stored.item)
    this.#published.set(topic.id, { edition, since })
  }

  /** By partition, where to stop; undefined: nothing is due. Compacted records are taken before their time: reading them is cheap. */
  async #endsOf(topic: Topic): Promise<number[] | undefined> {
    const { log, items, clock } = this.#parts
    const archived = (await readArchive(items, topic.id))?.item.offsets ?? []
    const due = clock.now() - numberConfig(topic.configs, 'varve.archive.lag.ms')
    let isDue = false
    const ends: number[] = []
    for (const [partition, { start, stable, compactedTo }] of (await log.standings(topic)).entries()) {
      const from = Math.max(archived[partition] ?? 0, start)
      const compacted = Math.min(Math.max(from, compactedTo), stable)
      const isLiveDue = (await this.#times.of(topic, partition, { offset: compacted, end: stable })) <= due
      const isCompactedDue = (await this.#times.of(topic, partition, { offset: from, end: compacted })) <= due
      if (isLiveDue || isCompactedDue) isDue = true
      ends.push(isLiveDue ? stable : compacted)
    }
    return isDue ? ends : undefined
  }

  /** The pointers of archives whose topics are gone; the files are their owner's. */
  async #forgetDeleted(live: ReadonlySet<string>, pass: UpkeepPass): Promise<boolean> {
    const { items, files, log } = this.#parts
    let found = false
    for await (const { key, value, version } of queryAll(items, ARCHIVES)) {
      if (live.has(key.sk) || pass.signal.aborted || (await log.topics.find({ id: key.sk }))) continue
      const item = decodeArchive(value)
      found = true
      pass.tell(`the pointer of the archive of ${item.topicName}`, 'its topic was deleted; the table stays')
      if (pass.dry) continue
      const topic = { id: key.sk, name: item.topicName }
      if (!(await isPublished(files, topic, item))) await publish(this.#parts, topic, item)
      const attempts = [...item.abandoned, item.attempt].filter(attempt => attempt !== '')
      // First, so that nobody who is still at it can end.
      const stopped = await swapArchive(this.#parts, key.sk, version, { ...item, attempt: '', abandoned: attempts })
      if (stopped === undefined) continue
      await clearAway({ files }, topic, { ...item, abandoned: attempts })
      await items.write([{ kind: 'delete', key: archiveKey(key.sk), expected: stopped }])
      this.#published.delete(key.sk)
    }
    return found
  }
}

/** Times of the first records at offsets, each read once while it is the next to be archived. */
class FirstTimes {
  readonly #log: Log
  readonly #known = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Ms since 1970; Infinity where there is no record before `end`. */
  async of(topic: Topic, partition: number, range: { readonly offset: number; readonly end: number }): Promise<number> {
    if (range.offset >= range.end) return Number.POSITIVE_INFINITY
    const key = `${topic.id}/${partition}/${range.offset}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const time = await this.#read(topic, partition, range)
    if (this.#known.size >= TIMES_MAX) this.#known.clear()
    if (Number.isFinite(time)) this.#known.set(key, time)
    return time
  }

  /** Past what nobody may see. */
  async #read(topic: Topic, partition: number, range: { readonly offset: number; readonly end: number }) {
    let { offset } = range
    while (offset < range.end) {
      const limits = { recordsMax: 1, bytesMax: 1, isolation: 'read_committed' } as const
      const page = await readPage(this.#log, { topic, partition, offset, ...limits })
      const first = page.records[0]
      if (first) return first.offset < range.end ? first.timestamp : Number.POSITIVE_INFINITY
      if (page.nextOffset === offset) break
      offset = page.nextOffset
    }
    return Number.POSITIVE_INFINITY
  }
}
