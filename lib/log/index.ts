export { acceptBatch } from './append/accept-batch.ts'
export { type CheckOptions, checkLog } from './check/check-log.ts'
export type { CheckedSoFar, CheckFinding } from './check/finding.ts'
export type {
  ActiveProducer,
  Appended,
  AppendRequest,
  DeleteRecordsRequest,
  EndTransactionRequest,
  ForkRequest,
  FoundOffset,
  Isolation,
  Log,
  NewTopic,
  OffsetSpec,
  PartitionPosition,
  PartitionStand,
  ProducerIds,
  ReadRequest,
  ReadResult,
  Topic,
  Topics,
} from './contract.ts'
export { IMPORTING } from './contract.ts'
export { LogError, type LogErrorCode, type RejectedRecord } from './errors.ts'
export { FORK_AT, FORK_FROM, type ForkPoint, parseForkPoint } from './fork/fork-point.ts'
export { forkAskedFor } from './fork/fork-request.ts'
export { placeOfHead } from './head/head.ts'
export type { LogOptions, LogPrices } from './log-options.ts'
export { openLog } from './open-log.ts'
export { awaitPage, type Page, type PageRequest, readPage, visibleBatches, type Waiting } from './read/read-page.ts'
export { type ArchiveColumn, parseArchiveColumns, RECORD_COLUMNS } from './topics/archive-columns.ts'
export { flawOfGrowth } from './topics/new-topic.ts'
export {
  numberConfig,
  textConfig,
  topicConfigs,
  validateTopicConfigs,
} from './topics/topic-configs.ts'
export { jobForEach, upkeepIntervals } from './upkeep/job-for-each.ts'
export {
  type OneRun,
  type OneRunResult,
  Upkeep,
  type UpkeepFinding,
  type UpkeepJob,
  type UpkeepOptions,
  type UpkeepPass,
} from './upkeep/upkeep.ts'
export { defaultUpkeepSettings, type UpkeepSettings } from './upkeep/upkeep-settings.ts'
