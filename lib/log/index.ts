export type {
  Appended,
  AppendRequest,
  FoundOffset,
  Isolation,
  Log,
  NewTopic,
  OffsetSpec,
  PartitionPosition,
  ProducerIds,
  ReadRequest,
  ReadResult,
  Topic,
  Topics,
} from './contract.ts'
export { LogError, type LogErrorCode } from './errors.ts'
