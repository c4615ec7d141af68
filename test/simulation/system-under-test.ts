import { archiveSome } from '../../lib/archive/archive-some.ts'
import { archiveJob, neededByArchive } from '../../lib/archive/index.ts'
import { drawFraction } from '../../lib/base/index.ts'
import { type GroupConfigs, groupConfigValues } from '../../lib/configs/index.ts'
import { expireGroupsJob, Groups } from '../../lib/groups/index.ts'
import { Ingest } from '../../lib/ingest/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { type Log, LogError, openLog, type Topic, Upkeep, type UpkeepJob } from '../../lib/log/index.ts'
import { Pusher, Subscriptions } from '../../lib/push/index.ts'
import { expireShareGroupsJob, ShareGroups, type ShareHeartbeat } from '../../lib/share/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { expireTransactionalIdsJob, TransactionError, Transactions } from '../../lib/transactions/index.ts'
import { PoisoningPool } from '../support/poisoning-pool.ts'
import { SHARE_HEARTBEAT_MS, SHARE_SESSION_MS } from './share-group-plan.ts'
import type { ShareTuning } from './share-plan.ts'
import type {
  ArchiveTuning,
  CompactionTuning,
  ExpiryTuning,
  ProcessParts,
  SystemUnderTest,
  Tuning,
  UpkeepTuning,
} from './system.ts'
import { TOPIC_ID } from './workload/offsets.ts'

/** Dollars a flush and a poll of a head cost where the budget is finite. */
const PRICES = { flush: () => 5e-6, poll: 0.25e-6 }

/** What becomes old enough in an idle hour would make work in it. */
const NEVER_BY_AGE = { dueMs: Number.MAX_SAFE_INTEGER }

const TAKEOVER_RETRY_MS = 2_000
const COMPACTION_PAUSE_MS_MAX = 120_000

export const system: SystemUnderTest = {
  start: async ({ tuning, ...parts }) => {
    const { thrifty, groups: settings, shares: shareTuning, upkeep: upkeepTuning, ...sizes } = tuning
    const compaction = tuning.compaction ?? NEVER_BY_AGE
    const readMemory = new PoisoningPool()
    const flushBudget = thrifty ? 30 : Infinity
    const log = openLog({ ...parts, ...sizes, compaction, flushBudget, prices: PRICES, readMemory })
    const groups = new Groups({ ...parts, topics: log.topics, settings })
    const transactions = new Transactions({ ...parts, log, groups })
    const upkeep =
      upkeepTuning &&
      openUpkeep(parts, upkeepTuning, [
        ...log.upkeepJobs(upkeepTuning, usersOf(parts, tuning)),
        ...(tuning.archive ? [openArchive(parts, tuning.archive, log)] : []),
      ])
    const configs = configsOf(shareTuning)
    const shareGroups = new ShareGroups({ ...parts, log, configs })
    const shares = {
      configs,
      records: shareGroups.records,
      positions: (groupId: string) => shareGroups.positions(groupId),
      heartbeat: (request: ShareHeartbeat) => shareGroups.heartbeat(request),
      describe: (groupId: string) => shareGroups.describe(groupId),
    }
    const expiry = tuning.expiry && openExpiry(parts, tuning.expiry, log, transactions)
    const ingests = new Map<string, Ingest>()
    const ingest = (topic: string) => {
      const known = ingests.get(topic) ?? new Ingest({ ...parts, log, topic })
      ingests.set(topic, known)
      return known
    }
    const closing = new AbortController()
    const push = tuning.push && openPush(parts, tuning.push, log, closing.signal)
    const takingOver = takeOver(transactions, parts, closing.signal)
    const compacting = tuning.compaction && compactNowAndThen(log, tuning.compaction, parts, closing.signal)
    const close = async () => {
      closing.abort()
      await takingOver
      await push?.close()
      await upkeep?.close()
      await expiry?.close()
      await compacting
      await transactions.close()
      await shareGroups.close()
      await groups.close()
      await log.close()
    }
    return { log, groups, shares, transactions, ingest, push, upkeep, close }
  },
}

function openUpkeep(
  parts: Omit<ProcessParts, 'tuning'>,
  { leaseMs, background }: UpkeepTuning,
  jobs: readonly UpkeepJob[],
): Upkeep {
  const leases = new Leases({ ...parts, owner: parts.name })
  const upkeep = new Upkeep({ ...parts, jobs, leases, leaseMs, pauseMs: 5 })
  if (background) upkeep.start()
  return upkeep
}

function usersOf(parts: Omit<ProcessParts, 'tuning'>, { archive }: Tuning): Parameters<Log['upkeepJobs']>[1] {
  return {
    forgetTopics: async () => {},
    ...(archive && { neededFrom: (topic: Topic) => neededByArchive(parts, topic) }),
  }
}

/** Nothing is loaded meanwhile: files of the system are in no simulation. */
function openArchive(parts: Omit<ProcessParts, 'tuning'>, { intervalMs, limits }: ArchiveTuning, log: Log): UpkeepJob {
  return archiveJob({ ...parts, log, limits, loadArchiver: async () => ({ archiveTopic: archiveSome }) }, intervalMs)
}

function openExpiry(
  parts: Omit<ProcessParts, 'tuning'>,
  tuning: ExpiryTuning,
  log: Log,
  transactions: Transactions,
): Upkeep {
  // Groups keep offsets of a topic that no log has.
  const topics: Pick<Log['topics'], 'find'> = {
    find: key =>
      'id' in key && key.id === TOPIC_ID
        ? Promise.resolve({ id: TOPIC_ID, name: 'offsets', partitions: 1, shardSize: 1, configs: {} })
        : log.topics.find(key),
  }
  const jobs = [
    expireGroupsJob({ ...parts, topics }, tuning),
    expireShareGroupsJob(parts, tuning),
    expireTransactionalIdsJob({ ...parts, watch: id => transactions.watch(id) }, tuning),
  ]
  const leases = new Leases({ ...parts, owner: parts.name })
  const expiry = new Upkeep({ ...parts, jobs, leases, leaseMs: 1_000, pauseMs: 1 })
  expiry.start()
  return expiry
}

function openPush(
  { deliver, ...parts }: Omit<ProcessParts, 'tuning'>,
  mode: NonNullable<Tuning['push']>,
  log: Log,
  signal: AbortSignal,
) {
  const targetFor = () => ({ deliver })
  const subscriptions = new Subscriptions({ ...parts, log, targetFor })
  const shortLived = mode !== 'always'
  const leases = new Leases({ ...parts, owner: parts.name, shortLived })
  const loadFormat = async () => (record: { readonly offset: number }) => JSON.stringify({ offset: record.offset })
  const pusher = new Pusher({ ...parts, log, leases, subscriptions, targetFor, loadFormat })
  if (mode === 'always') pusher.start()
  const rounds = mode === 'always' ? Promise.resolve() : pushInRounds(pusher, mode.roundMs, parts.clock, signal)
  const close = async () => {
    await rounds
    await pusher.close()
  }
  return { subscriptions, close }
}

async function pushInRounds(
  pusher: Pusher,
  withinMs: number,
  clock: ProcessParts['clock'],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await pusher.runOnce({ withinMs, signal })
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
    await clock.sleep(withinMs, signal)
  }
}

function configsOf(tuning: ShareTuning | undefined): GroupConfigs {
  const values = groupConfigValues({})
  const share = tuning && {
    recordLockDurationMs: tuning.lockMs,
    deliveryCountLimit: tuning.deliveriesMax,
    partitionRecordLocksMax: tuning.inFlightMax,
    autoOffsetReset: { at: 'earliest' } as const,
  }
  const members = { sessionTimeoutMs: SHARE_SESSION_MS, heartbeatIntervalMs: SHARE_HEARTBEAT_MS }
  return { ofGroup: async () => ({ ...values, share: { ...values.share, ...members, ...share } }) }
}

/** What others have left, as a gateway does at its start; here everybody takes everything. */
async function takeOver(
  transactions: Transactions,
  { clock }: Pick<ProcessParts, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await transactions.takeOver(() => true)
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error
      await clock.sleep(TAKEOVER_RETRY_MS, signal)
    }
  }
}

/** Ever more seldom while there is nothing to do. */
async function compactNowAndThen(
  log: Log,
  { everyMs }: CompactionTuning,
  { clock, random }: Pick<ProcessParts, 'clock' | 'random'>,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = everyMs
  while (!signal.aborted) {
    await clock.sleep(pauseMs * 2 * drawFraction(random), signal)
    const busy = await compactAll(log, signal)
    pauseMs = busy ? everyMs : Math.min(COMPACTION_PAUSE_MS_MAX, pauseMs * 2)
  }
}

/** Whether there was something to do, or something failed. */
async function compactAll(log: Log, signal: AbortSignal): Promise<boolean> {
  let busy = false
  try {
    for (const topic of await log.topics.list()) {
      for (let shard = 0; shard * topic.shardSize < topic.partitions && !signal.aborted; shard++) {
        const { commits, chunksRemoved, lost } = await log.compaction.compactShard(topic, shard, { signal })
        if (commits > 0 || chunksRemoved > 0 || lost) busy = true
      }
    }
    return busy
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof LogError)) throw error
    return true
  }
}
