/** The upkeep of a log and of what stands on it. */
import { archiveJob, neededByArchive, type TableCatalog } from '../archive/index.ts'
import type { Clock, Logger, Random } from '../base/index.ts'
import { expireGroupsJob, forgetTopicsInGroups } from '../groups/index.ts'
import { forgetClaimsJob } from '../ingest/index.ts'
import { Leases } from '../leases/index.ts'
import { type Log, Upkeep, type UpkeepJob, upkeepIntervals } from '../log/index.ts'
import { forgetSubscriptionsJob } from '../push/index.ts'
import { expireShareGroupsJob, forgetTopicsInShareGroups } from '../share/index.ts'
import type { ItemStore, PublishedFiles } from '../storage/index.ts'
import { expireTransactionalIdsJob, type Transactions } from '../transactions/index.ts'
import type { UpkeepConfig } from './config.ts'

/** Held by whoever does a piece of work; of one who died, for so long. */
const LEASE_MS = 60_000
/** `transaction.remove.expired.transaction.cleanup.interval.ms` */
const TRANSACTIONAL_IDS_INTERVAL_MS = 3_600_000
/** Of what HTTP keeps. */
const HTTP_INTERVAL_MS = 3_600_000
const HTTP_JOBS = ['forget-idempotency-keys', 'forget-consumer-instances', 'forget-keys'] as const
/** Between two pieces of work in the background. */
const PAUSE_MS = 10

interface UpkeepParts {
  readonly log: Log
  readonly items: ItemStore
  readonly archives: PublishedFiles
  /** Where new archives' tables are made; absent: in `archives`. */
  readonly catalog?: TableCatalog | undefined
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Of a process that serves them. */
  readonly transactions?: Pick<Transactions, 'watch'>
}

interface Place {
  /** Names this process in leases. */
  readonly owner: string
  /** This process ends within minutes. */
  readonly shortLived?: boolean
  readonly isMine?: (key: string) => boolean
}

export function openUpkeep(
  { log, archives, transactions, ...parts }: UpkeepParts,
  { background: _, ...settings }: UpkeepConfig,
  { isMine, ...place }: Place,
): Upkeep {
  const leases = new Leases({ ...parts, ...place })
  const archive = archiveJob({ ...parts, log, files: archives }, settings.retentionIntervalMs)
  const { offsetsRetentionMs, transactionalIdExpirationMs, retentionIntervalMs } = settings
  const forgetTopics = async (topicIds: ReadonlySet<string>) => {
    await forgetTopicsInGroups(parts, topicIds)
    await forgetTopicsInShareGroups(parts, topicIds)
  }
  const intervalMs = 2 * retentionIntervalMs
  const jobs = [
    ...log.upkeepJobs(settings, { forgetTopics, neededFrom: topic => neededByArchive(parts, topic) }),
    expireGroupsJob({ ...parts, topics: log.topics }, { offsetsRetentionMs, intervalMs }),
    expireShareGroupsJob(parts, { offsetsRetentionMs, intervalMs }),
    expireTransactionalIdsJob(
      { ...parts, ...(transactions && { watch: (id: string) => transactions.watch(id) }) },
      { transactionalIdExpirationMs, intervalMs: TRANSACTIONAL_IDS_INTERVAL_MS },
    ),
    archive,
    forgetClaimsJob(parts),
    ...HTTP_JOBS.map(name => httpJob(name, parts)),
    forgetSubscriptionsJob({ ...parts, log }),
  ]
  return new Upkeep({ ...parts, jobs, leases, leaseMs: LEASE_MS, pauseMs: PAUSE_MS, ...(isMine && { isMine }) })
}

/** HTTP, a third of all code, is loaded when the first of them runs, not when the process starts. */
function httpJob(name: (typeof HTTP_JOBS)[number], parts: Pick<UpkeepParts, 'items' | 'clock'>): UpkeepJob {
  const run: UpkeepJob['run'] = async pass => {
    const { httpUpkeepJobs } = await import('../http/index.ts')
    const job = httpUpkeepJobs(parts).find(one => one.name === name)
    if (!job) throw new Error(`HTTP has no job ${name}`)
    return job.run(pass)
  }
  return { name, ...upkeepIntervals(HTTP_INTERVAL_MS), run }
}
