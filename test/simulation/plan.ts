/**
 * What happens in one history, all of it drawn from its seed and written out as plain data: who works, and what goes wrong.
 * So a plan can be kept as a regression, and a violation is shrunk by leaving parts of its plan out.
 */
import { drawArchiveDisasters, drawArchiveTuning } from './archive-plan.ts'
import { type CompactedPlan, drawCleaning, drawCompacted } from './compacted-plan.ts'
import {
  CONSUMER_HEARTBEAT_MS,
  CONSUMER_SESSION_MS,
  type ConsumerGroupPlan,
  drawConsumerGroup,
  drawStreamsGroup,
  withProcesses,
} from './consumer-group-plan.ts'
import { drawForkHaste, FORK_HASTE_GATEWAYS } from './fork-haste-plan.ts'
import { drawForks, type ForkPlan } from './fork-plan.ts'
import { drawGroup, type GroupPlan } from './group-plan.ts'
import { drawHaste } from './haste-plan.ts'
import { drawImports, type ImportPlan } from './import-plan.ts'
import { drawIngest, type IngestPlan } from './ingest-plan.ts'
import { drawPush, type PushPlan } from './push-plan.ts'
import { drawShareGroup, type ShareGroupPlan } from './share-group-plan.ts'
import { drawShare, drawShareTuning, type SharePlan } from './share-plan.ts'
import type { CompactionTuning, ShardLimits, Tuning } from './system.ts'
import { drawTransactors, type TransactorPlan } from './transaction-plan.ts'
import { drawUpkeep, drawUpkeepTuning, type UpkeepPlan } from './upkeep-plan.ts'
import { type FaultPlan, type Latency, type StoreFault, storeFaults } from './world/faults.ts'
import { Rng } from './world/rng.ts'

export interface ProducerPlan {
  readonly name: string
  readonly idempotent: boolean
  readonly topic: number
  readonly partition: number
  readonly batches: number
  readonly recordsMax: number
  /** Length of a record's value, in bytes, at most. */
  readonly valueBytesMax: number
  readonly inFlight: number
  readonly thinkMs: number
  /** How often a plain producer sends a batch again whose fate it does not know. */
  readonly retries: number
}

export interface ReaderPlan {
  readonly name: string
  readonly topic: number
  readonly partition: number
  readonly maxBytes: number
  readonly thinkMs: number
}

export type DisasterKind = 'kill' | 'freeze' | 'stop' | 'jump' | 'cut'

export interface Disaster {
  readonly kind: DisasterKind
  readonly at: number
  /** Present: it waits for the gateway's next request to a store, and strikes so long after that. */
  readonly afterRequestMs?: number
  /** Present: that request has this in what a trace tells of it. */
  readonly onRequest?: string
  /** Which gateway; a `cut` breaks the connections to it. */
  readonly gateway: number
  /** How long it is frozen, or how far its clock jumps. */
  readonly ms: number
}

export type TopicStep =
  | { readonly kind: 'create-again'; readonly at: number; readonly topic: number }
  | { readonly kind: 'grow'; readonly at: number; readonly topic: number; readonly partitions: number }
  | {
      readonly kind: 'use-briefly'
      readonly at: number
      readonly name: string
      readonly batches: number
      readonly thinkMs: number
      readonly stays: boolean
    }
  | { readonly kind: 'come-and-go'; readonly at: number; readonly name: string; readonly rivals: number }

export interface Plan {
  readonly seed: number
  /** One gateway for each, its clock wrong by so much. */
  readonly skewsMs: readonly number[]
  /** Partitions of each topic. */
  readonly topics: readonly number[]
  readonly producers: readonly ProducerPlan[]
  readonly readers: readonly ReaderPlan[]
  readonly topicSteps: readonly TopicStep[]
  readonly transactors: readonly TransactorPlan[]
  readonly groups: readonly GroupPlan[]
  readonly consumerGroups?: readonly ConsumerGroupPlan[]
  /** Plans of old have none. */
  readonly shares?: readonly SharePlan[]
  readonly shareGroups?: readonly ShareGroupPlan[]
  readonly ingests?: readonly IngestPlan[]
  readonly push?: PushPlan
  readonly upkeep?: UpkeepPlan
  readonly forks?: readonly ForkPlan[]
  readonly imports?: readonly ImportPlan[]
  readonly compacted?: CompactedPlan
  readonly tuning: Tuning
  readonly faults: FaultPlan
  readonly disasters: readonly Disaster[]
  /** From here on nothing goes wrong any more, in ms. */
  readonly healMs: number
  /** Watch for writes in an idle hour after the end. */
  readonly watchIdle: boolean
}

const HOUR_MS = 3_600_000

/** Clocks are wrong by so much at most, jumps included. */
const SKEW_MAX_MS = 5 * HOUR_MS

/** What a history is mostly about: it cannot be about everything and stay short. */
export type Focus = (typeof focuses)[number]

export const focuses = [
  'log',
  'groups',
  'transactions',
  'shares',
  'upkeep',
  'consumer-groups',
  'forks',
  'imports',
  'compacted',
  'ingest',
  'push',
  'streams-groups',
  'share-groups',
  'archive',
] as const

/** Nobody reads there but members. */
const groupFocuses: readonly Focus[] = ['groups', 'consumer-groups', 'streams-groups', 'share-groups']

/** What is committed there may expire. */
const expiringFocuses: readonly Focus[] = [...groupFocuses, 'transactions']

const HISTORIES = 25

/** Out of so many histories; the rest are about the log. Those of upkeep, forks and imports take some times as long as others. */
const SHARES: readonly (readonly [Focus, number])[] = [
  ['transactions', 4],
  ['groups', 3],
  ['consumer-groups', 3],
  ['shares', 3],
  ['upkeep', 2],
  ['forks', 1],
  ['imports', 1],
  ['compacted', 2],
  ['ingest', 1],
  ['push', 1],
  ['streams-groups', 1],
  ['share-groups', 1],
  ['archive', 1],
]

export function focusOf(seed: number): Focus {
  let left = new Rng(seed, 'focus').below(HISTORIES)
  for (const [focus, share] of SHARES) {
    if (left < share) return focus
    left -= share
  }
  return 'log'
}

/** Of all producers of a short history together. */
const SHORT_BATCHES_MAX = 20

/**
 * It goes on for hours of virtual time, has jobs that look around every few seconds, or much is produced: it takes many times
 * as long as others.
 */
export function isLong({ tuning, watchIdle, producers }: Plan): boolean {
  const batches = producers.reduce((sum, one) => sum + one.batches, 0)
  const goesOn = tuning.upkeep !== undefined || tuning.push !== undefined || tuning.expiry !== undefined || watchIdle
  return goesOn || batches > SHORT_BATCHES_MAX
}

export function drawPlan(seed: number): Plan {
  const focus = focusOf(seed)
  if (focus === 'imports') return withImports(drawAbout(seed, focus), new Rng(seed, 'imports'))
  if (focus === 'streams-groups') return withStandbys(drawAbout(seed, focus), new Rng(seed, 'standbys'))
  if (focus === 'push') return withPush(drawAbout(seed, focus), new Rng(seed, 'push'))
  if (focus === 'archive') return withArchive(drawAbout(seed, 'upkeep'), new Rng(seed, 'archive'))
  if (focus !== 'compacted') return drawAbout(seed, focus)
  const rng = new Rng(seed, 'compacted')
  return withCompacted(drawAbout(seed, rng.pick<Focus>(['log', 'log', 'transactions', 'upkeep', 'forks'])), rng)
}

function drawAbout(seed: number, about: Focus): Plan {
  const rng = new Rng(seed, 'plan')
  const focus = about === 'forks' || about === 'imports' ? 'upkeep' : about
  const forking = about === 'forks' && new Rng(seed, 'forks')
  const healMs = rng.spread(1_000, 300_000)
  const topics = Array.from({ length: rng.pick([1, 1, 1, 2]) }, () => rng.pick([1, 1, 2, 3]))
  const clocksRight = rng.chance(0.3)
  const gateways = rng.pick([1, 2, 2, 3])
  const skewsMs = Array.from({ length: gateways }, () => (clocksRight ? 0 : drawSkew(rng)))
  const hasUpkeep = focus === 'upkeep' || rng.chance(0.1)
  const plan: Plan = {
    seed,
    skewsMs,
    topics,
    producers:
      focus === 'log' || focus === 'shares' || focus === 'upkeep' || rng.chance(0.1)
        ? drawProducers(rng, topics, healMs)
        : [],
    readers: groupFocuses.includes(focus) ? [] : drawReaders(rng, topics, healMs),
    topicSteps: [
      ...(focus === 'log' || focus === 'upkeep' ? drawTopicSteps(rng, topics, healMs) : []),
      ...(focus === 'upkeep' ? drawBriefTopics(rng, healMs) : []),
    ],
    transactors: focus === 'transactions' ? drawTransactors(rng, topics, healMs) : [],
    shares: focus === 'shares' ? [drawShare(rng, topics, gateways, healMs)] : [],
    groups: focus === 'groups' ? [drawGroup(rng, gateways, healMs)] : [],
    consumerGroups: [
      ...(focus === 'consumer-groups' ? [drawConsumerGroup(rng, gateways, healMs)] : []),
      ...(focus === 'streams-groups' ? [drawStreamsGroup(rng, gateways, healMs)] : []),
    ],
    ...(focus === 'share-groups' && withShareGroup(new Rng(seed, 'share-groups'), topics, gateways, healMs)),
    ...(focus === 'ingest' && { ingests: drawIngests(new Rng(seed, 'ingest'), healMs) }),
    ...(focus === 'upkeep' && { upkeep: drawUpkeep(rng, topics, healMs) }),
    tuning: {
      ...drawTuning(rng, healMs),
      ...(hasUpkeep && { upkeep: drawUpkeepTuning(rng, healMs) }),
      ...drawExpiry(new Rng(seed, 'expiry'), focus, healMs),
    },
    faults: drawFaults(rng, healMs),
    disasters: drawDisasters(rng, skewsMs.length, healMs),
    healMs,
    watchIdle: rng.chance(hasUpkeep ? 0.05 : 0.1),
  }
  const hasty = focus === 'groups' && new Rng(seed, 'haste')
  if (hasty && gateways > 1 && hasty.chance(0.3)) return { ...plan, ...drawHaste(hasty, gateways) }
  if (!forking) return plan
  const haste = new Rng(seed, 'fork haste')
  return haste.chance(0.3) ? inForkHaste(plan, haste) : withForks(plan, forking)
}

function inForkHaste(plan: Plan, rng: Rng): Plan {
  const { upkeep, compaction, ...haste } = drawForkHaste(rng)
  const { tuning } = plan
  return {
    ...plan,
    ...haste,
    skewsMs: Array.from({ length: FORK_HASTE_GATEWAYS }, () => 0),
    ...{ topics: [1], producers: [], readers: [], topicSteps: [] },
    upkeep: { deletions: [], retentionBytes: [null], sweepAtEnd: true },
    tuning: {
      ...tuning,
      compaction: { ...(tuning.compaction ?? drawCompaction(rng, haste.healMs)), ...compaction },
      ...(tuning.upkeep && { upkeep: { ...tuning.upkeep, ...upkeep } }),
    },
  }
}

/** With transactions, sometimes; then nothing is deleted, for what is left of a transaction must be told from what was never whole. */
function withForks(plan: Plan, rng: Rng): Plan {
  const { topics, healMs, upkeep } = plan
  const forks = drawForks(rng, topics, healMs)
  if (!rng.chance(0.35)) return { ...plan, forks }
  return {
    ...plan,
    forks: forks.map(one => ({ ...one, source: 0, forks: one.forks.map(fork => ({ ...fork, deletes: false })) })),
    transactors: drawTransactors(rng, topics, healMs)
      .map(one => ({ ...one, topic: 0, partitions: one.partitions.filter(p => p < topics[0]!) }))
      .filter(({ partitions }) => partitions.length > 0),
    ...(upkeep && { upkeep: { ...upkeep, deletions: [], retentionBytes: topics.map(() => null) } }),
  }
}

/** With transactions, or topics that are compacted, or neither. */
function withArchive(plan: Plan, rng: Rng): Plan {
  const { topics, healMs, upkeep, skewsMs } = plan
  const archived: Plan = {
    ...plan,
    disasters: [...plan.disasters, ...drawArchiveDisasters(rng, skewsMs.length, healMs)],
    tuning: { ...plan.tuning, archive: drawArchiveTuning(rng, healMs) },
  }
  if (rng.chance(0.2)) return withCompacted(archived, rng)
  if (!rng.chance(0.5)) return archived
  return {
    ...archived,
    transactors: drawTransactors(rng, topics, healMs),
    ...(upkeep && { upkeep: { ...upkeep, deletions: [], retentionBytes: topics.map(() => null) } }),
  }
}

function withCompacted(plan: Plan, rng: Rng): Plan {
  const { topics, tuning, healMs } = plan
  const compacted = drawCompacted(rng, { topics, clocksRight: areClocksRight(plan) })
  return {
    ...plan,
    compacted,
    tuning: { ...tuning, compaction: drawCleaning(rng, tuning.compaction ?? drawCompaction(rng, healMs), healMs) },
  }
}

/** A topic with as many partitions as members makes them wait for each other. */
function withStandbys(plan: Plan, rng: Rng): Plan {
  const { consumerGroups = [], tuning } = plan
  const streamsStandbyReplicas = rng.pick([0, 1, 1, 2])
  return {
    ...plan,
    topics: [rng.pick([plan.topics[0]!, 3, 5]), ...plan.topics.slice(1)],
    consumerGroups: consumerGroups.map(group => withProcesses(group, rng)),
    tuning: { ...tuning, groups: { ...tuning.groups, streamsStandbyReplicas } },
  }
}

/** What stopped is kept so long that others go on with it, or is given up at once. */
function withImports(plan: Plan, rng: Rng): Plan {
  const { healMs, tuning } = plan
  const importKeptMs = rng.pick([0, rng.spread(1_000, healMs), 5 * HOUR_MS])
  return {
    ...plan,
    imports: drawImports(rng, healMs),
    tuning: { ...tuning, ...(tuning.upkeep && { upkeep: { ...tuning.upkeep, importKeptMs } }) },
  }
}

/** In rounds only by right clocks: whoever lives for seconds goes by them. */
function withPush(plan: Plan, rng: Rng): Plan {
  const inRounds = areClocksRight(plan) && rng.chance(0.5)
  const push = inRounds ? { roundMs: rng.spread(2_000, 20_000) } : ('always' as const)
  return { ...plan, watchIdle: false, push: drawPush(rng, plan.healMs), tuning: { ...plan.tuning, push } }
}

/** Those of all gateways, all the time. */
export function areClocksRight({ skewsMs, disasters }: Plan): boolean {
  return skewsMs.every(ms => ms === 0) && !disasters.some(({ kind }) => kind === 'jump')
}

/** Clocks are hours apart, so what expires at all mostly does so soon. */
function drawExpiry(rng: Rng, focus: Focus, healMs: number): Pick<Tuning, 'expiry'> {
  if (!expiringFocuses.includes(focus) || rng.chance(0.6)) return {}
  const afterMs = () => rng.pick([rng.spread(1, 1_000), rng.spread(1_000, healMs), 5 * HOUR_MS])
  return {
    expiry: {
      offsetsRetentionMs: afterMs(),
      transactionalIdExpirationMs: afterMs(),
      intervalMs: rng.spread(20, Math.max(100, healMs / 4)),
    },
  }
}

function drawIngests(rng: Rng, healMs: number): IngestPlan[] {
  return Array.from({ length: rng.pick([1, 1, 2]) }, (_, place) => drawIngest(rng, place, healMs))
}

/** Topics grow meanwhile. */
function withShareGroup(
  rng: Rng,
  topics: readonly number[],
  gateways: number,
  healMs: number,
): Pick<Plan, 'shareGroups' | 'topicSteps'> {
  return {
    shareGroups: [drawShareGroup(rng, topics.length, gateways, healMs)],
    topicSteps: drawTopicSteps(rng, topics, healMs),
  }
}

function drawProducers(rng: Rng, topics: readonly number[], healMs: number): ProducerPlan[] {
  const long = rng.chance(0.15)
  const count = rng.pick([1, 2, 2, 3, 4])
  const valueBytesMax = rng.pick([0, 0, 100, 1_000, 6_000])
  const recordsMax = rng.pick([1, 1, 3])
  const shared = rng.chance(0.7)
  return Array.from({ length: count }, (_, i) => {
    const topic = shared ? 0 : rng.below(topics.length)
    const batches = long ? rng.between(20, 60) : rng.between(1, 10)
    return {
      name: `p${i}`,
      idempotent: rng.chance(0.6),
      topic,
      partition: shared && rng.chance(0.7) ? 0 : rng.below(topics[topic]!),
      batches,
      recordsMax,
      valueBytesMax,
      inFlight: rng.pick([1, 2, 5]),
      thinkMs: rng.spread(0.5, Math.max(1, (2 * healMs) / batches)),
      retries: rng.pick([0, 1, 3]),
    }
  })
}

/** One reader's until the healing, about: more show nothing new. */
const POLLS_MAX = 400

function drawReaders(rng: Rng, topics: readonly number[], healMs: number): ReaderPlan[] {
  return Array.from({ length: rng.pick([0, 1, 1, 2]) }, (_, i) => {
    const topic = rng.below(topics.length)
    return {
      name: `r${i}`,
      topic,
      partition: rng.below(topics[topic]!),
      maxBytes: rng.pick([1, 500, 20_000]),
      thinkMs: rng.spread(Math.max(5, healMs / POLLS_MAX), Math.max(10, healMs / 10)),
    }
  })
}

function drawTopicSteps(rng: Rng, topics: readonly number[], healMs: number): TopicStep[] {
  if (rng.chance(0.75)) return []
  return Array.from({ length: rng.between(1, 3) }, (_, i): TopicStep => {
    const at = rng.fraction() * healMs
    const topic = rng.below(topics.length)
    switch (rng.below(3)) {
      case 0:
        return { kind: 'create-again', at, topic }
      case 1:
        return { kind: 'grow', at, topic, partitions: topics[topic]! + rng.pick([1, 2, 20]) }
      default:
        return { kind: 'come-and-go', at, name: `brief-${i}`, rivals: rng.between(1, 3) }
    }
  })
}

function drawBriefTopics(rng: Rng, healMs: number): TopicStep[] {
  return Array.from({ length: rng.pick([0, 1, 2, 4]) }, (_, i): TopicStep => {
    const at = rng.fraction() * healMs
    const batches = rng.between(1, 4)
    return {
      kind: 'use-briefly',
      at,
      name: `used-${i}`,
      batches,
      thinkMs: rng.spread(1, 20_000),
      stays: rng.chance(0.5),
    }
  })
}

function drawTuning(rng: Rng, healMs: number): Tuning {
  return {
    itemSegmentBytesMax: rng.pick([0, 200, 4_096, 4_096]),
    carriesItems: rng.chance(0.5),
    segmentBytesMax: rng.pick([1, 500, 8_388_608, 8_388_608]),
    shardSize: rng.pick([1, 2, 16]),
    cacheBytesMax: rng.pick([1, 1_000, 1_000_000]),
    coldCacheBytesMax: rng.pick([1, 1_000, 1_000_000]),
    ...(rng.chance(0.6) && { compaction: drawCompaction(rng, healMs) }),
    shardLimits: drawShardLimits(rng),
    shares: drawShareTuning(rng),
    groups: {
      sessionTimeoutMinMs: 1_000,
      initialRebalanceDelayMs: rng.pick([0, 500, 3_000]),
      consumerSessionTimeoutMs: CONSUMER_SESSION_MS,
      consumerHeartbeatIntervalMs: CONSUMER_HEARTBEAT_MS,
      streamsSessionTimeoutMs: CONSUMER_SESSION_MS,
      streamsHeartbeatIntervalMs: CONSUMER_HEARTBEAT_MS,
    },
    thrifty: rng.chance(0.2),
  }
}

/** The tail's commits are always old enough, or never: clocks are hours apart, and must not make work in an idle hour. */
function drawCompaction(rng: Rng, healMs: number): CompactionTuning {
  return {
    everyMs: rng.spread(20, healMs / 4),
    dueBytes: rng.pick([0, 0, 300, 3_000]),
    dueChunks: rng.pick([1, 4, 100]),
    dueMs: rng.pick([-24, -24, 24 * 365]) * HOUR_MS,
    roundBytesMax: rng.pick([1, 300, 3_000, 1_000_000]),
    readsMax: rng.pick([1, 4]),
    // JSON, in which plans are kept, has no Infinity.
    bytesPerSecondMax: rng.pick([1_000, 1e12]),
    extentBytesMax: rng.pick([500, 5_000, 1_000_000]),
    mergeCountMin: rng.pick([2, 3, 8]),
    // No draw, so that seeds from before still say the same.
    classBytesMin: 300,
  }
}

/** The engine's own, rarely; mostly so small that a short history meets chunks and snapshots. */
function drawShardLimits(rng: Rng): ShardLimits {
  if (rng.chance(0.2)) return {}
  const headBytesMax = Math.round(rng.spread(150, 1_000))
  return {
    headBytesMax,
    headBytesKept: Math.round(headBytesMax * rng.fraction()),
    chunkBytesMax: rng.pick([1, 300, 2_000]),
    snapshotIntervalCommits: rng.pick([1, 3, 8, 30]),
  }
}

function drawFaults(rng: Rng, healMs: number): FaultPlan {
  const latency: Latency = rng.pick(['calm', 'wild', 'wild', 'slow'])
  const style = rng.fraction()
  if (style < 0.1) return { rates: {}, storms: [], latency, calmFromMs: healMs, without: [] }
  const kinds = drawFaultKinds(rng, style)
  const rates: Partial<Record<StoreFault, number>> = {}
  for (const kind of kinds) rates[kind] = rng.spread(0.01, 0.5) / kinds.length
  return { rates, storms: drawStorms(rng, healMs), latency, calmFromMs: healMs, without: [] }
}

/** Delays alone, or one kind alone, often; or a few; or all together, rarely each. */
function drawFaultKinds(rng: Rng, style: number): readonly StoreFault[] {
  if (style < 0.25) return ['slow-request', 'slow-answer']
  if (style < 0.45) return [rng.pick(storeFaults)]
  return storeFaults.filter(() => style > 0.8 || rng.chance(0.4))
}

function drawStorms(rng: Rng, healMs: number): { from: number; to: number }[] {
  if (rng.chance(0.5)) return [{ from: 0, to: healMs }]
  return Array.from({ length: rng.between(1, 3) }, () => {
    const from = rng.fraction() * healMs
    return { from, to: Math.min(healMs, from + rng.spread(100, healMs)) }
  })
}

function drawDisasters(rng: Rng, gateways: number, healMs: number): Disaster[] {
  if (rng.chance(0.25)) return []
  const kinds: readonly DisasterKind[] = rng.chance(0.5)
    ? [rng.pick<DisasterKind>(['kill', 'freeze', 'stop', 'jump', 'cut'])]
    : ['kill', 'kill', 'freeze', 'freeze', 'stop', 'jump', 'cut']
  return Array.from({ length: rng.between(1, 6) }, () => {
    const kind = rng.pick(kinds)
    const ms = kind === 'jump' ? drawSkew(rng) : rng.spread(50, rng.chance(0.1) ? 3 * HOUR_MS : 120_000)
    const busy = rng.chance(0.5) && { afterRequestMs: rng.spread(0.1, 300) }
    return { kind, at: rng.fraction() * healMs, ...busy, gateway: rng.below(gateways), ms }
  })
}

function drawSkew(rng: Rng): number {
  const ms = Math.round(rng.spread(10, SKEW_MAX_MS))
  return rng.chance(0.5) ? ms : -ms
}
